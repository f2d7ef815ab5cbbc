/**
 * @file Messages between a page that embeds Fournil and the frame (docs/users/embed.md). The protocol is public and has a
 * version: within one, fields may be added, and none changes or goes. Types only. The client's declarations are generated
 * from this file and its own, so it imports nothing.
 */

/** Identifies a request. The embedding page chooses it, and every answer carries it. */
export type EmbedId = string | number;

/** A part of a message: text, or a picture as a file. */
export type EmbedPart = { type: 'text'; text: string } | { type: 'image'; image: Blob };

/** A message of a conversation. */
export interface EmbedMessage {
  role: 'system' | 'user' | 'assistant';
  content: string | EmbedPart[];
}

/** Settings of an answer. The model has defaults for all of them. */
export interface EmbedOptions {
  sampling?: {
    temperature?: number;
    top_k?: number;
    top_p?: number;
    min_p?: number;
    repetition_penalty?: number;
    seed?: number;
  };
  /** Maximum length of the answer, in tokens. */
  maxNewTokens?: number;
  /** Continues the last message, an answer that was cut off, instead of beginning a new one. */
  continueAnswer?: boolean;
}

/** What a page may request. Several requests may be open at once; answers are generated one after the other. */
export type EmbedRequest =
  /** Needs no permission of the person, and never asks for it. */
  | { type: 'status' }
  /** Loads the model that the person chose in the frame, or the built-in one. */
  | { type: 'load' }
  | { type: 'count'; messages: EmbedMessage[]; options?: Pick<EmbedOptions, 'continueAnswer'> }
  | { type: 'generate'; messages: EmbedMessage[]; options?: EmbedOptions }
  /** Ends another request. An answer that is being generated ends with reason `aborted`. */
  | { type: 'stop'; request: EmbedId };

/** A request, as it is posted to the frame. */
export type ToFrame = { fournil: 1; id: EmbedId } & EmbedRequest;

/** The person's permission. `asked` waits for an answer in the frame; `once` holds until the frame is closed. */
export type EmbedPermission = 'unasked' | 'asked' | 'once' | 'always' | 'refused';

/** The loaded model. */
export interface EmbedModel {
  id: string;
  dtype: string;
  device: 'webgpu' | 'wasm';
  /** Whether the model sees pictures. */
  vision: boolean;
  /** Tokens that its context can hold. */
  contextLength: number;
}

/** Result of `status`. */
export interface EmbedStatus {
  permission: EmbedPermission;
  engine: 'empty' | 'loading' | 'ready' | 'generating' | 'failed' | 'elsewhere';
  model: EmbedModel | null;
}

/** Result of `count`, in tokens. */
export interface EmbedCount {
  promptTokens: number;
  /** Tokens of the prompt that are in the KV cache and need no prefill. */
  reusedTokens: number;
  contextTokens: number;
}

/** Result of `generate`. */
export interface EmbedFinish {
  reason: 'stop' | 'length' | 'context-full' | 'aborted';
  usage: EmbedCount & { generatedTokens: number };
  /** Time to first token in milliseconds; rates in tokens per second. */
  timing: { timeToFirstToken: number; prefillRate: number; decodeRate: number };
}

/** Result of each request. */
export interface EmbedResults {
  status: EmbedStatus;
  load: EmbedModel;
  count: EmbedCount;
  generate: EmbedFinish;
  /** Whether the request was still open. */
  stop: { stopped: boolean };
}

/** How far loading is, in bytes or steps, depending on the stage. */
export interface EmbedProgress {
  stage: string;
  done: number;
  total: number;
}

/** Codes of failures. */
export type EmbedErrorCode =
  /** The message does not follow this file. The sentence says where. */
  | 'bad-message'
  /** The message is of a version of the protocol that the frame does not speak. */
  | 'unknown-version'
  /** The person refused, or took the permission back. */
  | 'not-allowed'
  /** The embedding page has no origin that a person could be asked about (a sandboxed frame, a file). */
  | 'no-origin'
  /** Too many requests are waiting. */
  | 'too-many'
  /** A large model is open in another tab. The person can decide in the frame. */
  | 'elsewhere'
  /** Codes of the engine. */
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
  /** Codes of the model store, with a prefix. */
  | `store-${string}`;

/** A failure of a request. */
export interface EmbedFailure {
  code: EmbedErrorCode;
  /** A sentence for people, in the frame's language. */
  message: string;
}

/** Messages from the frame. */
export type FromFrame = { fournil: 1 } & (
  | { event: 'ready' }
  | { event: 'permission'; permission: EmbedPermission }
  | { id: EmbedId; progress: EmbedProgress }
  | { id: EmbedId; delta: string }
  | { id: EmbedId; result: EmbedResults[keyof EmbedResults] }
  /** `id` is null where the request's own could not be read. */
  | { id: EmbedId | null; error: EmbedFailure }
);
