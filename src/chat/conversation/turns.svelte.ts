/** The turns of a conversation, and what of them the model is told. */
import type { EngineErrorCode, Finish, Message } from '../../../protocol/engine.ts';
import { EngineError } from '../../../protocol/engine.ts';
import type { Attachment, MessageRecord } from '../../conversations/records.ts';
import { toContent } from '../prompt/attachment-parts.ts';

interface TurnBase {
  readonly id: string;
  /** The turn before this one; null for a first one. */
  readonly parent: string | null;
  readonly created: number;
}

export interface UserTurn extends TurnBase {
  readonly role: 'user';
  readonly text: string;
  readonly attachments: Attachment[];
}

/** Failures that come from the question itself. */
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
  /** The model's name, as it is shown. */
  model = '';
  text = $state('');
  /** `waiting` for the model to be there; `queued` behind another answer; `reading` the prompt; `writing`; then `done` or `failed`. */
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

  /** Stopped, also before the model was there. */
  get stopped(): boolean {
    return this.status === 'done' && (this.finish?.reason ?? 'aborted') === 'aborted';
  }

  /** It might go on: it was stopped, or reached the length that was set. */
  get canContinue(): boolean {
    return this.text !== '' && (this.stopped || (this.status === 'done' && this.finish?.reason === 'length'));
  }

  /** The question cannot be answered as it is: told again, it would make every later turn fail too. */
  get questionRejected(): boolean {
    return this.error !== null && QUESTION_ERRORS.includes(this.error.code);
  }

  /** It gave nothing that could be kept: the question may be asked again, or changed. */
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

/** What the model is told: not the questions that it cannot take, nor answers that failed without a word. */
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

/** An answer that was being made when its tab went is one that was stopped. */
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
