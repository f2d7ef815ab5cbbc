/**
 * For pages that embed Fournil: calls to the frame, and what comes back is theirs (docs/users/embed.md). It stands alone: this
 * file needs no other, and only types of the protocol. Only the frame's own window and origin are heard.
 */
import type {
  EmbedCount,
  EmbedErrorCode,
  EmbedFailure,
  EmbedFinish,
  EmbedId,
  EmbedMessage,
  EmbedModel,
  EmbedOptions,
  EmbedPermission,
  EmbedProgress,
  EmbedRequest,
  EmbedResults,
  EmbedStatus,
  FromFrame,
  ToFrame,
} from '../../protocol/embed.ts';

export type * from '../../protocol/embed.ts';

/** `frame-silent`: it did not come within the time; `frame-gone`: it was reloaded, or the connection was closed. */
export type FournilErrorCode = EmbedErrorCode | 'frame-silent' | 'frame-gone';

export class FournilError extends Error {
  constructor(
    readonly code: FournilErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'FournilError';
  }
}

export interface CallOptions {
  /** Aborting asks the frame to stop; an answer then ends with reason `aborted` and what there is of it. */
  signal?: AbortSignal;
  /** While the model is being made ready. */
  onProgress?: (progress: EmbedProgress) => void;
}

export interface Answer extends EmbedFinish {
  text: string;
}

export interface Fournil {
  status(): Promise<EmbedStatus>;
  /** Makes the model ready. The person is asked first, unless the page is allowed already. */
  load(options?: CallOptions): Promise<EmbedModel>;
  count(messages: EmbedMessage[], options?: CallOptions & Pick<EmbedOptions, 'continueAnswer'>): Promise<EmbedCount>;
  /** Answers. `onDelta` gets the text as it is made; the whole is in the result. */
  generate(
    messages: EmbedMessage[],
    options?: CallOptions & EmbedOptions & { onDelta?: (text: string) => void },
  ): Promise<Answer>;
  /** Hears no more of the frame, and stops what runs. */
  close(): void;
}

export interface ConnectOptions {
  /** Of the frame; left out, it is that of its `src`. */
  origin?: string;
  onPermission?: (permission: EmbedPermission) => void;
  /** How long to wait for the frame to be there, ms. */
  timeout?: number;
}

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: FournilError) => void;
  onProgress: ((progress: EmbedProgress) => void) | undefined;
  onDelta: ((text: string) => void) | undefined;
}

/** So that each connection's ids are its own, also where two speak to one frame. */
let connections = 0;

class Connection implements Fournil {
  private readonly frame: HTMLIFrameElement;
  private readonly origin: string;
  private readonly onPermission: ((permission: EmbedPermission) => void) | undefined;
  private readonly name = `client-${++connections}`;
  private readonly pending = new Map<EmbedId, Pending>();
  /** What is sent once the frame is there; null: it is. */
  private queue: ToFrame[] | null = [];
  private readonly timer: ReturnType<typeof setTimeout>;
  private lastId = 0;
  private closed = false;

  constructor(frame: HTMLIFrameElement, { origin, onPermission, timeout = 60_000 }: ConnectOptions) {
    this.frame = frame;
    this.origin = origin ?? new URL(frame.src, document.baseURI).origin;
    this.onPermission = onPermission;
    addEventListener('message', this.onMessage);
    this.timer = setTimeout(() => {
      if (this.queue) this.rejectAll('frame-silent', 'The frame does not answer.');
    }, timeout);
    // It may be there already: then it answers. Anybody may read this one.
    this.frame.contentWindow?.postMessage(this.message({ type: 'status' }), '*');
  }

  status(): Promise<EmbedStatus> {
    return this.call({ type: 'status' });
  }

  load(options: CallOptions = {}): Promise<EmbedModel> {
    return this.call({ type: 'load' }, options);
  }

  count(
    messages: EmbedMessage[],
    { continueAnswer, ...options }: CallOptions & Pick<EmbedOptions, 'continueAnswer'> = {},
  ): Promise<EmbedCount> {
    return this.call(
      { type: 'count', messages, options: continueAnswer === undefined ? {} : { continueAnswer } },
      options,
    );
  }

  async generate(
    messages: EmbedMessage[],
    { signal, onProgress, onDelta, ...options }: CallOptions & EmbedOptions & { onDelta?: (text: string) => void } = {},
  ): Promise<Answer> {
    let text = '';
    const heard = (delta: string) => {
      text += delta;
      onDelta?.(delta);
    };
    const finish = await this.call(
      { type: 'generate', messages, options },
      { ...(signal && { signal }), ...(onProgress && { onProgress }), onDelta: heard },
    );
    return { ...finish, text };
  }

  close(): void {
    for (const id of this.pending.keys()) this.send(this.message({ type: 'stop', request: id }));
    this.closed = true;
    clearTimeout(this.timer);
    removeEventListener('message', this.onMessage);
    this.rejectAll('frame-gone', 'The connection was closed.');
  }

  private call<R extends EmbedRequest>(
    request: R,
    { signal, onProgress, onDelta }: CallOptions & { onDelta?: (text: string) => void } = {},
  ): Promise<EmbedResults[R['type']]> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new FournilError('frame-gone', 'The connection was closed.'));
        return;
      }
      if (signal?.aborted) {
        reject(new FournilError('aborted', 'Stopped.'));
        return;
      }
      const message = this.message(request);
      const stop = () => this.send(this.message({ type: 'stop', request: message.id }));
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          this.pending.delete(message.id);
          signal?.removeEventListener('abort', stop);
          settle(value);
        };
      };
      this.pending.set(message.id, {
        resolve: settled(resolve as (result: unknown) => void),
        reject: settled(reject),
        onProgress,
        onDelta,
      });
      signal?.addEventListener('abort', stop);
      this.send(message);
    });
  }

  private message(request: EmbedRequest): ToFrame {
    return { fournil: 1, id: `${this.name}-${++this.lastId}`, ...request };
  }

  private send(message: ToFrame): void {
    if (this.queue) {
      this.queue.push(message);
      return;
    }
    try {
      this.frame.contentWindow?.postMessage(message, this.origin);
    } catch (cause) {
      // What cannot be cloned cannot be sent.
      this.pending.get(message.id)?.reject(new FournilError('bad-message', String(cause)));
    }
  }

  private readonly onMessage = ({ source, origin, data }: MessageEvent<FromFrame | null>): void => {
    if (source !== this.frame.contentWindow || origin !== this.origin) return;
    if (typeof data !== 'object' || data?.fournil !== 1) return;
    if ('event' in data && data.event === 'ready' && !this.queue)
      this.rejectAll('frame-gone', 'The frame was loaded again.');
    // Whatever it says, it is there.
    this.flush();
    if ('event' in data) {
      if (data.event === 'permission') this.onPermission?.(data.permission);
      return;
    }
    if (data.id === null) return;
    const pending = this.pending.get(data.id);
    if ('progress' in data) pending?.onProgress?.(data.progress);
    else if ('delta' in data) pending?.onDelta?.(data.delta);
    else if ('error' in data) pending?.reject(toError(data.error));
    else pending?.resolve(data.result);
  };

  private flush(): void {
    const { queue } = this;
    if (!queue) return;
    this.queue = null;
    clearTimeout(this.timer);
    for (const message of queue) this.send(message);
  }

  private rejectAll(code: 'frame-silent' | 'frame-gone', message: string): void {
    if (this.queue) this.queue = [];
    for (const { reject } of [...this.pending.values()]) reject(new FournilError(code, message));
  }
}

const toError = ({ code, message }: EmbedFailure): FournilError => new FournilError(code, message);

/** Speaks to the Fournil in `frame`, whose `src` ends in `?embed`. What is asked before it is there waits for it. */
export function connect(frame: HTMLIFrameElement, options: ConnectOptions = {}): Fournil {
  return new Connection(frame, options);
}
