/**
 * One conversation: its turns, the draft, and the answer being made. What a person wrote or chose is never lost: a
 * message waits for the model, and one that was not answered can be asked again or taken back and changed.
 */
import { i18n } from '../i18n/i18n.svelte.ts';
import { asEngineError, type ModelStore } from '../models/model.svelte.ts';
import { Announcer } from './announcer.svelte.ts';
import { Draft, type Written } from './composer/draft.svelte.ts';
import { Frames } from './frames.ts';
import { AnswerTurn, toMessages, type Turn } from './turns.svelte.ts';

export class Conversation {
  turns = $state<Turn[]>([]);
  /** What is being written. */
  draft = $state.raw(new Draft());
  readonly announcer = new Announcer();
  /** Stops the answer that is awaited or being made. */
  private running = $state.raw<AbortController | null>(null);
  private lastId = 0;

  constructor(private readonly models: ModelStore) {}

  /** An answer is awaited or being made. */
  get busy(): boolean {
    return this.running !== null;
  }

  get canSend(): boolean {
    return !this.busy && !this.draft.empty && !this.draft.reading;
  }

  /** The model did not load: what was sent waits until it has. */
  get modelFailed(): boolean {
    return this.models.state.is === 'failed' || this.models.state.is === 'elsewhere';
  }

  /** What the built-in model cannot do need not be said of others. */
  get withBuiltIn(): boolean {
    return this.models.choice === null;
  }

  get lastAnswer(): AnswerTurn | null {
    const last = this.turns.at(-1);
    return last?.role === 'assistant' ? last : null;
  }

  /** Sends what is written and chosen. */
  send(): void {
    if (this.canSend) this.ask(this.draft.take());
  }

  /** Asks a ready-made question; the draft stays. */
  async askAbout(text: string, files: readonly File[] = []): Promise<void> {
    const question = new Draft();
    question.text = text;
    await question.addFiles(files);
    for (const refusal of question.refusals) this.draft.refuse(refusal);
    if (!this.busy) this.ask(question.take());
  }

  /** Asks again for the last answer. */
  retry(): void {
    if (this.busy || !this.lastAnswer) return;
    this.turns.pop();
    this.answer();
  }

  /** Puts the last question back to where it was written, before what is being written there. */
  takeBack(): void {
    if (this.busy || !this.lastAnswer) return;
    this.turns.pop();
    const question = this.turns.pop();
    if (question?.role === 'user') this.draft.giveBack(question);
  }

  stop(): void {
    this.running?.abort();
  }

  /** Stops what runs and begins anew. */
  clear(): void {
    this.stop();
    this.running = null;
    this.turns = [];
    this.draft.clear();
    this.announcer.clear();
  }

  private ask({ text, attachments }: Written): void {
    this.turns.push({ role: 'user', id: ++this.lastId, text, attachments });
    this.answer();
  }

  private answer(): void {
    const messages = toMessages(this.turns);
    const turn = new AnswerTurn(++this.lastId);
    this.turns.push(turn);
    const controller = new AbortController();
    this.running = controller;
    void this.run(turn, controller, async (onDelta, { signal }) => {
      await this.models.ready(signal);
      turn.status = 'reading';
      turn.finish = await this.models.generate(messages, { signal, onDelta });
    });
  }

  /** Carries an answer from its beginning to whatever end; never rejects. */
  private async run(
    turn: AnswerTurn,
    controller: AbortController,
    generate: (onDelta: (text: string) => void, controller: AbortController) => Promise<void>,
  ): Promise<void> {
    // After a new conversation has begun, the old one's last words are nobody's.
    const current = () => this.running === controller;
    const frames = new Frames((text) => {
      turn.status = 'writing';
      turn.text += text;
    });
    const onDelta = (text: string) => {
      frames.push(text);
      if (current()) this.announcer.hear(text);
    };
    try {
      await generate(onDelta, controller);
      frames.flush();
      turn.status = 'done';
    } catch (cause) {
      frames.flush();
      const error = asEngineError(cause);
      if (error.code !== 'aborted') turn.error = error;
      turn.status = turn.error ? 'failed' : 'done';
    }
    if (!current()) return;
    this.running = null;
    this.announcer.end();
    const reason = turn.finish?.reason ?? 'aborted';
    // A failure is announced where it is shown.
    if (!turn.error && reason !== 'stop') this.announcer.say(i18n.t(`finish.${reason}`));
  }
}
