/**
 * One conversation: its turns, the draft, and the answer being made. What a person wrote or chose is never lost: a
 * message waits for the model, and one that was not answered can be asked again or taken back and changed. Each change
 * is passed to its autosave, unless it is private.
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

/** A conversation that was kept. */
export interface StoredConversation extends WholeConversation {
  /** What was being written. */
  draft: StoredDraft;
}

export interface NewConversation {
  settings?: ConversationSettings;
  memory?: Memory;
  /** A name that was given. Left out: it comes from the first message. */
  title?: string;
  /** What is being written already. */
  draft?: Draft;
  /** Nothing of it is kept. */
  private?: boolean;
}

/** How a conversation is kept; null for one that is not. */
export type AutosaveFactory = (conversation: AutosaveSource) => AutosaveLike;

export class Conversation implements AutosaveSource {
  readonly id: string;
  readonly private: boolean;
  readonly created: number;
  /** What is being written. */
  draft = $state.raw(new Draft());
  readonly announcer = new Announcer();
  title = $state('');
  /** The title was given; it does not come from the first message. */
  named = $state(false);
  pinned = $state(false);
  /** The branch that is read, from the first message to the leaf. */
  turns = $state.raw<readonly Turn[]>([]);
  private ownSettings = $state.raw<ConversationSettings>({ system: '', sampling: {} });
  private ownMemory = $state.raw<Memory>({});
  private updated: number;
  private tree = new Tree<Turn>();
  private readonly autosave: AutosaveLike | null;
  /** Stops the answer that is awaited or being made. */
  private running = $state.raw<AbortController | null>(null);
  /** It is on the page: what is said here is announced. */
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
      // Where nothing was said yet the title is the draft's.
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

  /** Nothing was said yet, on any branch. */
  get empty(): boolean {
    return this.turns.length === 0;
  }

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

  /** The tries at the same place, this one too, the oldest first. */
  siblings(turn: Turn): readonly Turn[] {
    // Whatever changes the tree changes the branch.
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

  /** Sends what is written and chosen. */
  send(): void {
    if (this.canSend) this.ask(this.draft.take(), this.tree.leaf);
  }

  /** Asks a ready-made question; the draft stays. */
  async askAbout(text: string, files: readonly File[] = []): Promise<void> {
    const question = new Draft();
    question.text = text;
    await question.addFiles(files);
    for (const refusal of question.refusals) this.draft.refuse(refusal);
    if (!this.busy) this.ask(question.take(), this.tree.leaf);
  }

  /** Asks a question differently, with its files: what followed the other stays, on a branch of its own. */
  edit(question: UserTurn, text: string): void {
    if (this.busy || (text.trim() === '' && question.attachments.length === 0)) return;
    this.ask({ text: text.trim(), attachments: question.attachments }, question.parent);
  }

  /** What is being written, with files that are still being read, to go on with elsewhere. */
  handOverDraft(): Draft {
    const { draft } = this;
    this.draft = new Draft();
    this.watchDraft();
    this.autosave?.saveDraftSoon();
    return draft;
  }

  /** Makes an answer again; the other stays beside it. */
  regenerate(answer: AnswerTurn): void {
    if (!this.busy) this.answer(answer.parent);
  }

  /** Asks again for the last answer, which failed. */
  retry(): void {
    const failed = this.lastAnswer;
    if (this.busy || !failed) return;
    this.removeTurn(failed);
    this.answer(failed.parent);
  }

  /** Puts the last question back to where it was written, before what is being written there; its other answers stay. */
  takeBack(): void {
    const question = this.turns.at(-2);
    const answer = this.lastAnswer;
    if (this.busy || !answer || question?.role !== 'user') return;
    this.removeTurn(this.tree.siblings(answer.id).length > 1 ? answer : question);
    this.draft.restore(question);
  }

  /** Goes on with an answer that was cut. */
  continueAnswer(turn: AnswerTurn): void {
    if (this.busy || turn !== this.lastAnswer) return;
    turn.finish = null;
    turn.error = null;
    turn.status = 'waiting';
    this.generateAnswer(turn, this.turns, { continueAnswer: true });
  }

  /** Reads the branch of a sibling. */
  switchTo(turn: Turn): void {
    if (this.busy) return;
    this.tree.switchTo(turn.id);
    this.updateTurns();
    this.changed();
  }

  stop(): void {
    this.running?.abort();
  }

  /** It is on the page from now on, or no more. */
  show(shown: boolean): void {
    this.shown = shown;
    if (!shown) this.announcer.clear();
  }

  /** Stops, and nothing of it is kept from now on. */
  discard(): void {
    this.autosave?.stop();
    this.stop();
  }

  /** Something of it could not be kept, so far. */
  get hasUnsavedChanges(): boolean {
    return this.autosave?.hasUnsavedChanges ?? false;
  }

  /** Resolves once it is kept as it is now, or could not be. */
  async settled(): Promise<void> {
    await this.autosave?.settled();
  }

  /** What the model would be told now, the draft last. */
  promptWithDraft(): Message[] {
    const { text, attachments, empty } = this.draft;
    const draft: UserTurn = { role: 'user', id: 'draft', parent: null, created: 0, text: text.trim(), attachments };
    return this.buildPrompt(empty ? this.turns : [...this.turns, draft], this.memory);
  }

  /** The oldest turns are left out of what the model is told; false where that would make no room. */
  async trimHistory(): Promise<boolean> {
    // What did not fit is to be asked again.
    const turns = this.lastAnswer?.error?.code === 'prompt-too-long' ? this.turns.slice(0, -1) : this.turns;
    return this.trim(turns);
  }

  /** What is said here, a question and what follows it at a time, whatever the model still sees. */
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

  /** With all branches. */
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

  /** Whatever is written in it from now on. */
  private watchDraft(): void {
    this.draft.onchange = () => this.autosave?.saveDraftSoon();
  }

  private buildPrompt(turns: readonly Turn[], memory: Memory): Message[] {
    const system = systemText(this.settings, memory, i18n.t('memory.promptIntro'));
    const told = toMessages(visibleTurns(turns, memory));
    return system ? [{ role: 'system', content: system }, ...told] : told;
  }

  private async trim(turns: readonly Turn[]): Promise<boolean> {
    const count = async (memory: Memory) =>
      (await countPromptTokens(this.models, this.buildPrompt(turns, memory)))?.promptTokens ?? 0;
    const use = await countPromptTokens(this.models, this.buildPrompt(turns, this.memory));
    const memory = use && (await trimOldest(turns, this.memory, use.contextTokens, count));
    if (memory) this.memory = memory;
    return memory !== null;
  }

  /** Where the person wished so beforehand. */
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

  /** Siblings are in the order in which they came, also within a millisecond. */
  private now(): number {
    return Math.max(Date.now(), this.updated + 1);
  }

  /** A conversation in which nothing was said or is being written is not kept: there would be nothing to come back to. */
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

  /** Carries an answer from its beginning to whatever end; never rejects. */
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
    // A failure is announced where it is shown.
    if (!turn.error && reason !== 'stop') this.announcer.say(i18n.t(`finish.${reason}`));
  }
}
