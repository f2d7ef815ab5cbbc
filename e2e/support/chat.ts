/** @file Actions of a person on the page, in both languages. */
import { expect, type Locator, type Page } from '@playwright/test';

export const NAMES = {
  en: {
    message: 'Message',
    send: 'Send',
    stop: 'Stop',
    attach: 'Attach a file',
    fresh: 'New conversation',
    you: 'You',
    answer: 'Answer',
    preferences: 'Preferences',
    close: 'Close',
  },
  fr: {
    message: 'Message',
    send: 'Envoyer',
    stop: 'Arrêter',
    attach: 'Joindre un fichier',
    fresh: 'Nouvelle conversation',
    you: 'Vous',
    answer: 'Réponse',
    preferences: 'Préférences',
    close: 'Fermer',
  },
} as const;

export type Language = keyof typeof NAMES;

export class Chat {
  constructor(
    readonly page: Page,
    readonly language: Language = 'en',
  ) {}

  get names(): (typeof NAMES)[Language] {
    return NAMES[this.language];
  }

  get message(): Locator {
    return this.page.getByRole('textbox', { name: this.names.message });
  }

  get answers(): Locator {
    return this.page.getByRole('article', { name: this.names.answer });
  }

  get send(): Locator {
    return this.page.getByRole('button', { name: this.names.send, exact: true });
  }

  get stop(): Locator {
    return this.page.getByRole('button', { name: this.names.stop, exact: true });
  }

  async attach(name: string, file: Buffer, mimeType = 'image/png'): Promise<void> {
    const choosing = this.page.waitForEvent('filechooser');
    await this.page.getByRole('button', { name: this.names.attach, exact: true }).click();
    await (await choosing).setFiles({ name, mimeType, buffer: file });
  }

  /** Sends a question and waits for its answer. @returns the answer's article */
  async ask(question: string): Promise<Locator> {
    const before = await this.answers.count();
    await this.message.fill(question);
    await this.send.click();
    const answer = this.answers.nth(before);
    await expect(answer).toBeVisible({ timeout: 60_000 });
    await expect(this.send).toBeVisible({ timeout: 60_000 });
    return answer;
  }

  /** Selects options in the preferences, by the names of the select and the option. */
  async prefer(...choices: [choice: string, option: string][]): Promise<void> {
    await this.page.getByRole('button', { name: this.names.preferences, exact: true }).click();
    const panel = this.page.getByRole('dialog');
    for (const [choice, option] of choices) await panel.getByRole('combobox', { name: choice }).selectOption(option);
    await this.page.keyboard.press('Escape');
  }
}

/** Shows the numbers of each answer, as if a person had chosen so at an earlier visit. */
export async function showNumbers(page: Page): Promise<void> {
  await page.addInitScript(() => localStorage.setItem('numbers', 'shown'));
}
