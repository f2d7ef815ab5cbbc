/**
 * One conversation: its turns, the draft, and the answer being made. Nothing that a person wrote or chose is lost: a
 * message waits until the model has loaded, and one that was not answered can be sent again or taken back into the
 * draft. Every change is saved automatically, unless the conversation is private.
 */
import type { Message } from '../../../protocol/engine.ts';
import type { AutosaveSource, Autosave } from '../../conversations/autosave.ts';
import type {
  ConversationRecord,
  StoredDraft,
  Memory,
  MessageRecord,
  ConversationSettings,
  WholeConversation,
} from '../../conversations/records.ts';
import { titleFrom } from '../../conversations/title.ts';
import { Tree } from '../../conversations/tree.ts';
import { i18n } from '../../i18n/i18n.svelte.ts';
import { asEngineError, type ModelStore } from '../../models/model.svelte.ts';
import { newId } from '../../conversations/new-id.ts';
import { Announcer } from './announcer.svelte.ts';
import { Draft, type DraftContent } from '../draft/draft.svelte.ts';
import { Frames } from './frames.ts';
import { countPromptTokens } from '../prompt/count-tokens.ts';
import { trimOldest } from '../prompt/trim-history.ts';
import { fullnessOf } from '../prompt/context-budget.ts';
import { visibleTurns, systemText } from '../prompt/prompt-turns.ts';
import { AnswerTurn, fromRecord, toMessages, toRecord, type Turn, type UserTurn } from './turns.svelte.ts';

type AutosaveLike = Pick<
  Autosave,
  'save' | 'saveAnswerSoon' | 'saveDraftSoon' | 'delete' | 'stop' | 'settled' | 'hasUnsavedChanges'
>;

/** A conversation as it was stored. */
export interface StoredConversation extends WholeConversation {
  /** The message that was being written. */
  draft: StoredDraft;
}

export interface NewConversation {
  settings?: ConversationSettings;
  memory?: Memory;
  /** A title that was given; by default it is made from the first message. */
  title?: string;
  /** A draft that was begun elsewhere. */
  draft?: Draft;
  /** The conversation is never stored. */
  private?: boolean;
}

/** Creates the autosave of a conversation. */
export type AutosaveFactory = (conversation: AutosaveSource) => AutosaveLike;

export class Conversation implements AutosaveSource {
  readonly id: string;
  readonly private: boolean;
  readonly created: number;
  /** The message that is being written. */
  draft = $state.raw(new Draft());
  readonly announcer = new Announcer();
  title = $state('');
  /** A person gave the title; it is not made from the first message. */
  named = $state(false);
  pinned = $state(false);
  /** The shown branch, from the first message to the leaf. */
  turns = $state.raw<readonly Turn[]>([]);
  private ownSettings = $state.raw<ConversationSettings>({ system: '', sampling: {} });
  private ownMemory = $state.raw<Memory>({});
  private updated: number;
  private tree = new Tree<Turn>();
  private readonly autosave: AutosaveLike | null;
  /** Aborts the answer that is queued or being made. */
  private running = $state.raw<AbortController | null>(null);
  /** The conversation is on the page, so its answers are announced. */
  private shown = true;

  constructor(
    private readonly models: ModelStore,
    begun: NewConversation | StoredConversation = {},
    autosaveFor: AutosaveFactory | null = null,
  ) {
    if ('record' in begun) {
      const { id, created, updated, title, named, pinned, setup, memory, leaf } = begun.record;
      this.id = id;
      this.private = false;
      this.created = created;
      this.updated = updated;
      Object.assign(this, { named, pinned, ownSettings: setup, ownMemory: memory ?? {} });
      // Without messages the title is made from the draft.
      if (named || leaf !== null) this.title = title;
      this.tree = Tree.of(begun.messages.map(fromRecord), leaf);
      this.turns = this.tree.branch();
      void this.draft.reopen(begun.draft);
    } else {
      this.id = newId();
      this.private = begun.private ?? false;
      this.created = this.updated = Date.now();
      if (begun.title !== undefined) Object.assign(this, { title: begun.title, named: true });
      if (begun.settings) this.ownSettings = begun.settings;
      if (begun.memory) this.ownMemory = begun.memory;
      if (begun.draft) this.draft = begun.draft;
    }
    this.autosave = this.private ? null : (autosaveFor?.(this) ?? null);
    this.watchDraft();
    if (!('record' in begun) && begun.draft) this.autosave?.saveDraftSoon();
  }

  get settings(): ConversationSettings {
    return this.ownSettings;
  }
  set settings(settings: ConversationSettings) {
    this.ownSettings = settings;
    this.changed();
  }

  get memory(): Memory {
    return this.ownMemory;
  }
  set memory(memory: Memory) {
    this.ownMemory = memory;
    this.changed();
  }

  /** There is no message, on any branch. */
  get empty(): boolean {
    return this.turns.length === 0;
  }

  /** An answer is queued or being made. */
  get busy(): boolean {
    return this.running !== null;
  }

  get canSend(): boolean {
    return !this.busy && !this.draft.empty && !this.draft.reading;
  }

  /** The model did not load; a sent message waits until it has. */
  get modelFailed(): boolean {
    return this.models.state.is === 'failed' || this.models.state.is === 'elsewhere';
  }

  /** The built-in model is in use, whose limits the page explains. */
  get withBuiltIn(): boolean {
    return this.models.choice === null;
  }

  get lastAnswer(): AnswerTurn | null {
    const last = this.turns.at(-1);
    return last?.role === 'assistant' ? last : null;
  }

  /** All versions of this turn, itself included, oldest first. */
  siblings(turn: Turn): readonly Turn[] {
    // The tree is not reactive; reading `turns` makes the caller depend on its changes.
    return this.turns.includes(turn) ? this.tree.siblings(turn.id) : [turn];
  }

  rename(title: string): void {
    this.title = title.trim();
    this.named = this.title !== '';
    if (!this.named) this.title = titleFrom(this.turns[0] as UserTurn | undefined);
    this.changed();
  }

  pin(pinned: boolean): void {
    this.pinned = pinned;
    this.changed();
  }

  /** Sends the draft. */
  send(): void {
    if (this.canSend) this.ask(this.draft.take(), this.tree.leaf);
  }

  /** Sends a ready-made question; the draft is kept. */
  async askAbout(text: string, files: readonly File[] = []): Promise<void> {
    const question = new Draft();
    question.text = text;
    await question.addFiles(files);
    for (const refusal of question.refusals) this.draft.refuse(refusal);
    if (!this.busy) this.ask(question.take(), this.tree.leaf);
  }

  /** Sends an edited question with the same files. The old one and what followed it stay on a branch of their own. */
  edit(question: UserTurn, text: string): void {
    if (this.busy || (text.trim() === '' && question.attachments.length === 0)) return;
    this.ask({ text: text.trim(), attachments: question.attachments }, question.parent);
  }

  /** Moves the draft out, with files that are still being read, so that another conversation can take it. */
  handOverDraft(): Draft {
    const { draft } = this;
    this.draft = new Draft();
    this.watchDraft();
    this.autosave?.saveDraftSoon();
    return draft;
  }

  /** Makes another version of an answer. */
  regenerate(answer: AnswerTurn): void {
    if (!this.busy) this.answer(answer.parent);
  }

  /** Replaces the last answer, which failed, by a new one. */
  retry(): void {
    const failed = this.lastAnswer;
    if (this.busy || !failed) return;
    this.removeTurn(failed);
    this.answer(failed.parent);
  }

  /** Moves the last question back into the draft, before the text there. Its other answers stay. */
  takeBack(): void {
    const question = this.turns.at(-2);
    const answer = this.lastAnswer;
    if (this.busy || !answer || question?.role !== 'user') return;
    this.removeTurn(this.tree.siblings(answer.id).length > 1 ? answer : question);
    this.draft.restore(question);
  }

  /** Continues an answer that was stopped or reached its maximum length. */
  continueAnswer(turn: AnswerTurn): void {
    if (this.busy || turn !== this.lastAnswer) return;
    turn.finish = null;
    turn.error = null;
    turn.status = 'waiting';
    this.generateAnswer(turn, this.turns, { continueAnswer: true });
  }

  /** Shows the branch of another version. */
  switchTo(turn: Turn): void {
    if (this.busy) return;
    this.tree.switchTo(turn.id);
    this.updateTurns();
    this.changed();
  }

  stop(): void {
    this.running?.abort();
  }

  /** Tells whether the conversation is on the page. */
  show(shown: boolean): void {
    this.shown = shown;
    if (!shown) this.announcer.clear();
  }

  /** Stops the answer and saving, because the conversation was deleted. */
  discard(): void {
    this.autosave?.stop();
    this.stop();
  }

  /** The last write failed, so changes are in memory only. */
  get hasUnsavedChanges(): boolean {
    return this.autosave?.hasUnsavedChanges ?? false;
  }

  /** Resolves once the present state is stored, or storing it failed. */
  async settled(): Promise<void> {
    await this.autosave?.settled();
  }

  /** The prompt that sending the draft would make. */
  promptWithDraft(): Message[] {
    const { text, attachments, empty } = this.draft;
    const draft: UserTurn = { role: 'user', id: 'draft', parent: null, created: 0, text: text.trim(), attachments };
    return this.buildPrompt(empty ? this.turns : [...this.turns, draft], this.memory);
  }

  /** Leaves the oldest turns out of the prompt. @returns false if that would not make enough room */
  async trimHistory(): Promise<boolean> {
    // A question that did not fit will be asked again, so it is part of the prompt.
    const turns = this.lastAnswer?.error?.code === 'prompt-too-long' ? this.turns.slice(0, -1) : this.turns;
    return this.trim(turns);
  }

  /** All exchanges of the branch: each a question with what follows it, also those that the model no longer sees. */
  exchanges(): Message[][] {
    const exchanges: Message[][] = [];
    for (const message of toMessages(this.turns))
      if (message.role === 'user' || exchanges.length === 0) exchanges.push([message]);
      else exchanges.at(-1)?.push(message);
    return exchanges;
  }

  toRecord(): ConversationRecord {
    const { id, named, pinned, created, updated, settings, memory } = this;
    const { text, files: attachments } = this.draft;
    const title = this.title || titleFrom({ text, attachments });
    return { id, title, named, pinned, created, updated, setup: settings, memory, leaf: this.tree.leaf };
  }

  /** The conversation with all branches. */
  whole(): WholeConversation {
    return { record: this.toRecord(), messages: this.tree.all().map((turn) => toRecord(turn, this.id)) };
  }

  messageRecord(id: string): MessageRecord | null {
    const turn = this.tree.get(id);
    return turn ? toRecord(turn, this.id) : null;
  }

  storedDraft(): StoredDraft | null {
    const { text, files, empty } = this.draft;
    return empty ? null : { text, files };
  }

  /** Saves the draft whenever it changes. */
  private watchDraft(): void {
    this.draft.onchange = () => this.autosave?.saveDraftSoon();
  }

  private buildPrompt(turns: readonly Turn[], memory: Memory): Message[] {
    const system = systemText(this.settings, memory, i18n.t('memory.promptIntro'));
    const messages = toMessages(visibleTurns(turns, memory));
    return system ? [{ role: 'system', content: system }, ...messages] : messages;
  }

  private async trim(turns: readonly Turn[]): Promise<boolean> {
    const count = async (memory: Memory) =>
      (await countPromptTokens(this.models, this.buildPrompt(turns, memory)))?.promptTokens ?? 0;
    const use = await countPromptTokens(this.models, this.buildPrompt(turns, this.memory));
    const memory = use && (await trimOldest(turns, this.memory, use.contextTokens, count));
    if (memory) this.memory = memory;
    return memory !== null;
  }

  /** Leaves out the oldest turns of a full conversation, if the person has chosen that for this conversation. */
  private async trimIfFull(turns: readonly Turn[]): Promise<void> {
    if (this.memory.whenFull !== 'leaveOut') return;
    const use = await countPromptTokens(this.models, this.buildPrompt(turns, this.memory));
    if (use && fullnessOf(use, this.settings.maxNewTokens) === 'full') await this.trim(turns);
  }

  private ask({ text, attachments }: DraftContent, parent: string | null): void {
    const question: UserTurn = { role: 'user', id: newId(), parent, created: this.now(), text, attachments };
    if (!this.named && this.tree.size === 0) this.title = titleFrom(question);
    this.add(question);
    this.answer(question.id);
  }

  private answer(question: string | null): void {
    const turn = new AnswerTurn({ id: newId(), parent: question, created: this.now() });
    this.add(turn);
    this.generateAnswer(turn, this.tree.path(question));
  }

  private add(turn: Turn): void {
    this.tree.add(turn);
    this.updateTurns();
    this.updated = turn.created;
    this.autosave?.save(turn.id);
  }

  private removeTurn(turn: Turn): void {
    const gone = this.tree.remove(turn.id);
    this.updateTurns();
    this.autosave?.delete(gone.map(({ id }) => id));
  }

  private updateTurns(): void {
    this.turns = this.tree.branch();
  }

  /** Strictly increasing, so that siblings keep their order also within a millisecond. */
  private now(): number {
    return Math.max(Date.now(), this.updated + 1);
  }

  /** A conversation without messages and without a draft is not stored. */
  private changed(): void {
    if (this.tree.size > 0 || !this.draft.empty) this.autosave?.save();
  }

  private generateAnswer(turn: AnswerTurn, asked: readonly Turn[], { continueAnswer = false } = {}): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.running = controller;
    void this.streamAnswer(turn, async (onDelta) => {
      await this.models.ready(signal);
      turn.status = 'queued';
      turn.model = this.models.name ?? i18n.t('model.builtIn');
      await this.trimIfFull(asked);
      const { sampling, maxNewTokens } = this.settings;
      turn.finish = await this.models.generate(this.buildPrompt(asked, this.memory), {
        sampling,
        ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
        ...(continueAnswer ? { continueAnswer } : {}),
        signal,
        onDelta,
        onBegin: () => (turn.status = 'reading'),
      });
    });
  }

  /** Streams an answer into its turn until it ends in any way. Never rejects. */
  private async streamAnswer(
    turn: AnswerTurn,
    generate: (onDelta: (text: string) => void) => Promise<void>,
  ): Promise<void> {
    const frames = new Frames((text) => {
      turn.status = 'writing';
      turn.text += text;
      this.autosave?.saveAnswerSoon(turn.id);
    });
    const onDelta = (text: string) => {
      frames.push(text);
      if (this.shown) this.announcer.hear(text);
    };
    try {
      await generate(onDelta);
      frames.flush();
      turn.status = 'done';
    } catch (cause) {
      frames.flush();
      const error = asEngineError(cause);
      if (error.code !== 'aborted') turn.error = error;
      turn.status = turn.error ? 'failed' : 'done';
    }
    this.running = null;
    this.autosave?.save(turn.id);
    if (!this.shown) return;
    this.announcer.end();
    const reason = turn.finish?.reason ?? 'aborted';
    // An error is announced where it is shown.
    if (!turn.error && reason !== 'stop') this.announcer.say(i18n.t(`finish.${reason}`));
  }
}
