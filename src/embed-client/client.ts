/**
 * The client for pages that embed Fournil (docs/users/embed.md). This file is self-contained: it imports only types.
 * Only messages of the frame's window and origin are accepted.
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

/** `frame-silent`: the frame did not answer in time; `frame-gone`: it was reloaded, or the connection was closed. */
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
  /** Aborting asks the frame to stop; an answer then ends with the reason `aborted` and its text so far. */
  signal?: AbortSignal;
  /** Called while the model is downloaded or loaded. */
  onProgress?: (progress: EmbedProgress) => void;
}

export interface Answer extends EmbedFinish {
  text: string;
}

export interface Fournil {
  status(): Promise<EmbedStatus>;
  /** Loads the model. The person is asked for permission first, unless the page is allowed already. */
  load(options?: CallOptions): Promise<EmbedModel>;
  count(messages: EmbedMessage[], options?: CallOptions & Pick<EmbedOptions, 'continueAnswer'>): Promise<EmbedCount>;
  /** Generates an answer. `onDelta` receives the text as it streams; the result has the whole text. */
  generate(
    messages: EmbedMessage[],
    options?: CallOptions & EmbedOptions & { onDelta?: (text: string) => void },
  ): Promise<Answer>;
  /** Stops all requests and listening. */
  close(): void;
}

export interface ConnectOptions {
  /** Origin of the frame; by default that of its `src`. */
  origin?: string;
  onPermission?: (permission: EmbedPermission) => void;
  /** How long to wait for the frame's first message, ms. */
  timeout?: number;
}

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: FournilError) => void;
  onProgress: ((progress: EmbedProgress) => void) | undefined;
  onDelta: ((text: string) => void) | undefined;
}

/** Makes ids unique, also if two connections share a frame. */
let connections = 0;

class Connection implements Fournil {
  private readonly frame: HTMLIFrameElement;
  private readonly origin: string;
  private readonly onPermission: ((permission: EmbedPermission) => void) | undefined;
  private readonly name = `client-${++connections}`;
  private readonly pending = new Map<EmbedId, Pending>();
  /** Messages that wait for the frame to be ready; null once it is. */
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
    // The frame may be ready already, and then answers this. The message holds nothing private, so any origin may read
    // it.
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
      // The message contains something that cannot be cloned.
      this.pending.get(message.id)?.reject(new FournilError('bad-message', String(cause)));
    }
  }

  private readonly onMessage = ({ source, origin, data }: MessageEvent<FromFrame | null>): void => {
    if (source !== this.frame.contentWindow || origin !== this.origin) return;
    if (typeof data !== 'object' || data?.fournil !== 1) return;
    if ('event' in data && data.event === 'ready' && !this.queue)
      this.rejectAll('frame-gone', 'The frame was loaded again.');
    // Any message shows that the frame is ready.
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

/** Connects to the Fournil in `frame`, whose `src` ends in `?embed`. Requests wait until the frame is ready. */
export function connect(frame: HTMLIFrameElement, options: ConnectOptions = {}): Fournil {
  return new Connection(frame, options);
}
