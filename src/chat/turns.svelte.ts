/** The turns of a conversation, and what of them the model is told. */
import type { EngineError, EngineErrorCode, Finish, Message } from '../../protocol/engine.ts';
import type { Attachment } from '../conversations/records.ts';
import { toContent } from './attachment-parts.ts';

export interface UserTurn {
  role: 'user';
  id: number;
  text: string;
  attachments: Attachment[];
}

/** Failures that come from the question itself. */
const FAULTS_OF_QUESTION: readonly EngineErrorCode[] = [
  'picture-broken',
  'picture-too-large',
  'pictures-unsupported',
  'prompt-too-long',
  'bad-request',
];

export class AnswerTurn {
  readonly role = 'assistant';
  text = $state('');
  /** `waiting` for the model to be there; `reading` the prompt; `writing`; then `done` or `failed`. */
  status = $state<'waiting' | 'reading' | 'writing' | 'done' | 'failed'>('waiting');
  finish = $state.raw<Finish | null>(null);
  error = $state.raw<EngineError | null>(null);

  constructor(readonly id: number) {}

  get running(): boolean {
    return this.status !== 'done' && this.status !== 'failed';
  }

  /** Stopped, also before the model was there. */
  get stopped(): boolean {
    return this.status === 'done' && (this.finish?.reason ?? 'aborted') === 'aborted';
  }

  /** The question cannot be answered as it is: told again, it would make every later turn fail too. */
  get spoilt(): boolean {
    return this.error !== null && FAULTS_OF_QUESTION.includes(this.error.code);
  }

  /** It gave nothing that could be kept: the question may be asked again, or changed. */
  get unanswered(): boolean {
    return this.status === 'failed' || (this.stopped && this.text === '');
  }
}

export type Turn = UserTurn | AnswerTurn;

const spoilt = (answer: Turn | undefined): boolean => answer?.role === 'assistant' && answer.spoilt;

function toMessage(turn: Turn): Message {
  if (turn.role === 'assistant') return { role: 'assistant', content: turn.text };
  return { role: 'user', content: toContent(turn.text, turn.attachments) };
}

/** What the model is told: not the questions that it cannot take, nor answers that failed without a word. */
export function toMessages(turns: readonly Turn[]): Message[] {
  return turns
    .filter((turn, i) => {
      if (turn.role === 'user') return !spoilt(turns[i + 1]);
      return !spoilt(turn) && (turn.text !== '' || turn.status === 'done');
    })
    .map(toMessage);
}
