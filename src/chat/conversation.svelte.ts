/**
 * One conversation: its turns, the draft, and the answer being made. What a person wrote or chose is never lost: a
 * message waits for the model, and an answer that failed can be tried again.
 */
import { type ContentPart, EngineError, type Finish, type Message } from '../../protocol/engine.ts';
import { asEngineError, type ModelStore } from '../models/model.svelte.ts';
import { Announcer } from './announcer.svelte.ts';
import { type Picture, type Refusal, toPicture } from './pictures.ts';

export interface UserTurn {
  role: 'user';
  id: number;
  text: string;
  pictures: Picture[];
}

export class AnswerTurn {
  readonly role = 'assistant';
  text = $state('');
  status = $state<'waiting' | 'reading' | 'writing' | 'done' | 'failed'>('waiting');
  finish = $state.raw<Finish | null>(null);
  error = $state.raw<EngineError | null>(null);

  constructor(readonly id: number) {}
}

export type Turn = UserTurn | AnswerTurn;

function toMessage(turn: Turn): Message {
  if (turn.role === 'assistant') return { role: 'assistant', content: turn.text };
  if (turn.pictures.length === 0) return { role: 'user', content: turn.text };
  const pictures = turn.pictures.map(({ blob }): ContentPart => ({ type: 'image', image: blob }));
  return { role: 'user', content: turn.text ? [...pictures, { type: 'text', text: turn.text }] : pictures };
}

export class Conversation {
  turns = $state<Turn[]>([]);
  draft = $state('');
  pictures = $state<Picture[]>([]);
  refusals = $state.raw<Refusal[]>([]);
  /** An answer is awaited or being made. */
  busy = $state(false);
  readonly announcer = new Announcer();
  private running: AbortController | null = null;
  private lastId = 0;

  constructor(private readonly models: ModelStore) {}

  get canSend(): boolean {
    return !this.busy && (this.draft.trim() !== '' || this.pictures.length > 0);
  }

  addFiles(files: Iterable<File>): void {
    const refusals: Refusal[] = [];
    for (const file of files) {
      const picture = toPicture(file);
      if ('key' in picture) refusals.push(picture);
      else this.pictures.push(picture);
    }
    this.refusals = refusals;
  }

  removePicture(id: number): void {
    const gone = this.pictures.find((picture) => picture.id === id);
    if (gone) URL.revokeObjectURL(gone.url);
    this.pictures = this.pictures.filter((picture) => picture.id !== id);
  }

  async send(): Promise<void> {
    if (!this.canSend) return;
    this.turns.push({ role: 'user', id: ++this.lastId, text: this.draft.trim(), pictures: this.pictures });
    this.draft = '';
    this.pictures = [];
    this.refusals = [];
    await this.answer();
  }

  /** Asks again for the answer that failed. */
  async retry(): Promise<void> {
    if (this.busy) return;
    if (this.turns.at(-1)?.role === 'assistant') this.turns.pop();
    await this.answer();
  }

  stop(): void {
    this.running?.abort();
  }

  /** Stops what runs and begins anew. */
  clear(): void {
    this.stop();
    for (const turn of this.turns)
      if (turn.role === 'user') turn.pictures.forEach(({ url }) => URL.revokeObjectURL(url));
    this.turns = [];
    this.draft = '';
    for (const { id } of this.pictures) this.removePicture(id);
    this.refusals = [];
    this.announcer.clear();
  }

  private async answer(): Promise<void> {
    // An answer that failed without a word says nothing to the model.
    const messages = this.turns
      .filter((turn) => turn.role === 'user' || turn.text !== '' || turn.status === 'done')
      .map(toMessage);
    const turn = new AnswerTurn(++this.lastId);
    this.turns.push(turn);
    const controller = new AbortController();
    const { signal } = controller;
    this.running = controller;
    this.busy = true;
    const frames = new Frames((text) => {
      turn.status = 'writing';
      turn.text += text;
    });
    try {
      await untilAborted(this.models.ready(), signal);
      turn.status = 'reading';
      const finish = await this.models.engine.generate(messages, {
        signal,
        onDelta: (text) => {
          frames.push(text);
          this.announcer.hear(text);
        },
      });
      frames.flush();
      turn.finish = finish;
      turn.status = 'done';
    } catch (cause) {
      frames.flush();
      const error = asEngineError(cause);
      turn.error = error;
      turn.status = error.code === 'aborted' ? 'done' : 'failed';
    } finally {
      this.announcer.end();
      if (this.running === controller) {
        this.running = null;
        this.busy = false;
      }
    }
  }
}

/** The promise's outcome, or the abort's if that comes first. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new EngineError('aborted'));
    });
    promise.then(resolve, reject);
  });
}

/** Gathers text and shows it once a frame: tokens may come faster than the screen. */
class Frames {
  private text = '';
  private scheduled = 0;

  constructor(private readonly show: (text: string) => void) {}

  push(text: string): void {
    this.text += text;
    this.scheduled ||= requestAnimationFrame(() => this.flush());
  }

  flush(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    if (this.text) this.show(this.text);
    this.text = '';
  }
}
