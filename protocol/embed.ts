/**
 * What a page that embeds Fournil and the frame say to each other (docs/users/embed.md). It is public and has a version:
 * within one, things may be added, and none change or go. Types only; the client's declarations are made of this file
 * and its own, so nothing is imported here.
 */

/** Chosen by who asks; what comes back about a request carries it. */
export type EmbedId = string | number;

export type EmbedPart = { type: 'text'; text: string } | { type: 'image'; image: Blob };

export interface EmbedMessage {
  role: 'system' | 'user' | 'assistant';
  content: string | EmbedPart[];
}

/** What is left out comes from the model. */
export interface EmbedOptions {
  sampling?: {
    temperature?: number;
    top_k?: number;
    top_p?: number;
    min_p?: number;
    repetition_penalty?: number;
    seed?: number;
  };
  /** Tokens of the answer, at most. */
  maxNewTokens?: number;
  /** The last message is an answer that was cut: it is carried on. */
  continueAnswer?: boolean;
}

/** Each may be asked several times at once; answers are made one after the other. */
export type EmbedRequest =
  /** Answered without the person's permission, and never asks for it. */
  | { type: 'status' }
  /** Makes the model ready that the person chose in the frame; the built-in one where none was chosen. */
  | { type: 'load' }
  | { type: 'count'; messages: EmbedMessage[]; options?: Pick<EmbedOptions, 'continueAnswer'> }
  | { type: 'generate'; messages: EmbedMessage[]; options?: EmbedOptions }
  /** Ends another request. An answer that is being made ends with reason `aborted`. */
  | { type: 'stop'; request: EmbedId };

export type ToFrame = { fournil: 1; id: EmbedId } & EmbedRequest;

/** `asked`: the question is in the frame, and the person has not answered yet. `once`: until the frame is closed. */
export type EmbedPermission = 'unasked' | 'asked' | 'once' | 'always' | 'refused';

export interface EmbedModel {
  id: string;
  dtype: string;
  device: 'webgpu' | 'wasm';
  /** It sees pictures. */
  vision: boolean;
  /** Tokens it can hold. */
  contextLength: number;
}

export interface EmbedStatus {
  permission: EmbedPermission;
  engine: 'empty' | 'loading' | 'ready' | 'generating' | 'failed' | 'elsewhere';
  model: EmbedModel | null;
}

export interface EmbedCount {
  promptTokens: number;
  /** Of these, tokens that need not be read again. */
  reusedTokens: number;
  contextTokens: number;
}

export interface EmbedFinish {
  reason: 'stop' | 'length' | 'context-full' | 'aborted';
  usage: EmbedCount & { generatedTokens: number };
  /** Milliseconds, and tokens a second. */
  timing: { timeToFirstToken: number; prefillRate: number; decodeRate: number };
}

export interface EmbedResults {
  status: EmbedStatus;
  load: EmbedModel;
  count: EmbedCount;
  generate: EmbedFinish;
  /** Whether there was such a request. */
  stop: { stopped: boolean };
}

/** How far the model's way into memory is: bytes or steps, as the stage has them. */
export interface EmbedProgress {
  stage: string;
  done: number;
  total: number;
}

export type EmbedErrorCode =
  /** Not as in this file; the sentence says what is wrong with it. */
  | 'bad-message'
  /** Another version of the protocol than the frame speaks. */
  | 'unknown-version'
  /** The person refused, or took the permission back. */
  | 'not-allowed'
  /** The embedding page has no origin that a person could be asked about (a sandboxed frame, a file). */
  | 'no-origin'
  /** More requests wait than the frame takes. */
  | 'too-many'
  /** A large model is open in another tab; the person can decide in the frame. */
  | 'elsewhere'
  /** The engine's. */
  | 'model-missing'
  | 'model-damaged'
  | 'model-unsupported'
  | 'network'
  | 'no-webgpu'
  | 'adapter-wrong'
  | 'device-lost'
  | 'out-of-memory'
  | 'picture-broken'
  | 'picture-too-large'
  | 'pictures-unsupported'
  | 'prompt-too-long'
  | 'bad-request'
  | 'busy'
  | 'aborted'
  | 'internal'
  /** Those of the place where models are kept. */
  | `store-${string}`;

export interface EmbedFailure {
  code: EmbedErrorCode;
  /** A sentence for people, in the frame's language. */
  message: string;
}

export type FromFrame = { fournil: 1 } & (
  | { event: 'ready' }
  | { event: 'permission'; permission: EmbedPermission }
  | { id: EmbedId; progress: EmbedProgress }
  | { id: EmbedId; delta: string }
  | { id: EmbedId; result: EmbedResults[keyof EmbedResults] }
  /** `id` is null where the request had none that could be read. */
  | { id: EmbedId | null; error: EmbedFailure }
);
