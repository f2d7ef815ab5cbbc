/** The turns of a conversation, and the messages that the engine gets of them. */
import type { EngineErrorCode, Finish, Message } from '../../../protocol/engine.ts';
import { EngineError } from '../../../protocol/engine.ts';
import type { Attachment, MessageRecord } from '../../conversations/records.ts';
import { toContent } from '../prompt/attachment-parts.ts';

interface TurnBase {
  readonly id: string;
  /** The previous turn; null for a first one. */
  readonly parent: string | null;
  readonly created: number;
}

export interface UserTurn extends TurnBase {
  readonly role: 'user';
  readonly text: string;
  readonly attachments: Attachment[];
}

/** Errors that are caused by the question itself. */
const QUESTION_ERRORS: readonly EngineErrorCode[] = [
  'picture-broken',
  'picture-too-large',
  'pictures-unsupported',
  'prompt-too-long',
  'bad-request',
];

export class AnswerTurn implements TurnBase {
  readonly role = 'assistant';
  readonly id: string;
  readonly parent: string | null;
  readonly created: number;
  /** The model's display name. */
  model = '';
  text = $state('');
  /**
   * `waiting` until the model has loaded; `queued` behind another answer; `reading` the prompt; `writing`; then `done`
   * or `failed`.
   */
  status = $state<'waiting' | 'queued' | 'reading' | 'writing' | 'done' | 'failed'>('waiting');
  finish = $state.raw<Finish | null>(null);
  error = $state.raw<EngineError | null>(null);

  constructor({ id, parent, created }: TurnBase) {
    this.id = id;
    this.parent = parent;
    this.created = created;
  }

  get running(): boolean {
    return this.status !== 'done' && this.status !== 'failed';
  }

  /** The person stopped it, perhaps before the model had loaded. */
  get stopped(): boolean {
    return this.status === 'done' && (this.finish?.reason ?? 'aborted') === 'aborted';
  }

  /** It can be continued: it was stopped, or reached its maximum length. */
  get canContinue(): boolean {
    return this.text !== '' && (this.stopped || (this.status === 'done' && this.finish?.reason === 'length'));
  }

  /** The question was rejected. It is left out of later prompts, which would fail too. */
  get questionRejected(): boolean {
    return this.error !== null && QUESTION_ERRORS.includes(this.error.code);
  }

  /** There is no answer to keep: the question can be asked again or edited. */
  get unanswered(): boolean {
    return this.status === 'failed' || (this.stopped && this.text === '');
  }
}

export type Turn = UserTurn | AnswerTurn;

const questionRejected = (answer: Turn | undefined): boolean => answer?.role === 'assistant' && answer.questionRejected;

function toMessage(turn: Turn): Message {
  if (turn.role === 'assistant') return { role: 'assistant', content: turn.text };
  return { role: 'user', content: toContent(turn.text, turn.attachments) };
}

/** Leaves out questions that the engine rejected, and answers that failed without any text. */
export function toMessages(turns: readonly Turn[]): Message[] {
  return turns
    .filter((turn, i) => {
      if (turn.role === 'user') return !questionRejected(turns[i + 1]);
      return !questionRejected(turn) && (turn.text !== '' || turn.status === 'done');
    })
    .map(toMessage);
}

export function toRecord(turn: Turn, conversation: string): MessageRecord {
  const { id, parent, created, text } = turn;
  const base = { id, conversation, parent, created, text };
  if (turn.role === 'user') return { ...base, role: 'user', attachments: turn.attachments };
  const error = turn.error && { code: turn.error.code, detail: turn.error.detail };
  return { ...base, role: 'assistant', model: turn.model, finish: turn.finish, error };
}

/** An answer that was being made when its tab was closed counts as stopped. */
export function fromRecord(record: MessageRecord): Turn {
  if (record.role === 'user') {
    const { id, parent, created, text, attachments } = record;
    return { role: 'user', id, parent, created, text, attachments };
  }
  const turn = new AnswerTurn(record);
  turn.model = record.model;
  turn.text = record.text;
  turn.finish = record.finish;
  turn.error = record.error && new EngineError(record.error.code, record.error.detail);
  turn.status = record.error ? 'failed' : 'done';
  return turn;
}
