/**
 * @file Messages between the page and the model-store worker: where a model's bytes come from, what is stored, and what
 * can go wrong on the way. Types, and the errors that travel as codes.
 */
import type { Dtype } from './engine.ts';

/** Where a model comes from. Without `dtype` the store takes the best one that the folder has. */
export type ModelSource =
  /** A repository of the Hugging Face hub. The revision is a branch or tag until it is planned, then a commit. */
  | { kind: 'hub'; repo: string; revision?: string; dtype?: Dtype }
  /** The URL of a model folder with a manifest.json (docs/contributing/model-format.md). */
  | { kind: 'mirror'; url: string; dtype?: Dtype }
  /** Files that a person picked or dropped. To go on after an interruption, they have to be picked again. */
  | { kind: 'files'; dtype?: Dtype };

/** Describes what a source would bring, before anything large is downloaded. */
export interface ModelPlan {
  /** Name of the model's folder in the store. Each revision and dtype has a key of its own. */
  key: string;
  id: string;
  revision: string;
  licence: string;
  dtype: Dtype;
  /** Whether the model sees pictures. */
  vision: boolean;
  /** Tokens of context that the model's graphs support. */
  contextLength: number;
  /** Size of all files in bytes. */
  size: number;
  /** Bytes among `size` that are stored already. */
  present: number;
  /** The source with revision and dtype filled in. */
  source: ModelSource;
}

/** A model that the store holds, whole or in part. */
export interface StoredModel extends ModelPlan {
  /** Whether every byte is stored and verified. */
  complete: boolean;
  /** Time at which the model was last checked for loading, in ms since 1970, or null if it never was. */
  lastUsed: number | null;
}

/** Why a download stands still although nobody paused it. */
export interface Waiting {
  /** `web-page`: a web page came instead of a file, as networks answer that want a login. */
  reason: 'network' | 'server-busy' | 'server-error' | 'web-page' | 'other-tab';
  /** Time of the next attempt in ms since 1970, or null where it follows an event: the network or the other tab. */
  until: number | null;
}

/** How far a fetch, import, check or export is. */
export interface StoreProgress {
  key: string;
  id: string;
  /** `fetching` reads from the network, `copying` from or to files of the person, `checking` hashes what is stored. */
  phase: 'fetching' | 'copying' | 'checking';
  /** Bytes among `total` that are stored, copied or checked. */
  done: number;
  total: number;
  /** Bytes that came from the source in this run. Bytes that had to come twice count twice. */
  received: number;
  waiting?: Waiting;
}

/** A file that a person picked or dropped. */
export interface PickedFile {
  /** Path in the picked folder where the browser tells it, else the file's name. */
  path: string;
  file: File;
}

/** The result of an import. What was good is kept, so that only missing and wrong files have to be picked again. */
export interface ImportReport {
  model: StoredModel;
  /** Paths that the model needs and that were not among the files. */
  missing: string[];
  /** Paths whose bytes are not those that the manifest names. */
  wrong: string[];
  /** Paths of picked files that are no part of the model. */
  unrelated: string[];
}

/** A file of an offline bundle: a folder that carries a model on a USB stick. */
export interface BundleFile {
  /** Path in the bundle's folder, with `/`. */
  path: string;
  /** The file's content, at most BUNDLE_FILE_BYTES (sizes.ts). */
  blob: Blob;
}

/** Codes of everything that can go wrong in the store. The page has a sentence for each. */
export const STORE_ERRORS = [
  /** The source could not be reached at all. */
  'network',
  /** There is no such repository, folder or file. */
  'not-found',
  /** The repository, folder or files are not a Gemma 3 that can run here. */
  'not-a-model',
  /** The source gave wrong bytes several times. The detail names the file. */
  'source-bad',
  /** This site's content-security policy forbids the address. */
  'host-refused',
  /** The browser has no space left. What arrived is kept. */
  'quota',
  /** The browser gives this page no storage, as some do in private windows. */
  'storage',
  /** The model is not stored, or not whole. */
  'missing',
  /** Stored bytes are damaged and could not be fetched again. */
  'damaged',
  /** Another tab is using or changing this model. */
  'busy',
  'aborted',
  'internal',
] as const;

/** Code of a failure. */
export type StoreErrorCode = (typeof STORE_ERRORS)[number];

/** A failure of the store. Between worker and page it travels as its code and detail. */
export class StoreError extends Error {
  /**
   * @param code the kind of failure.
   * @param detail the technical cause, for the curious.
   */
  constructor(
    readonly code: StoreErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'StoreError';
  }
}

/** A call of the page, by its type. */
export type StoreCall =
  /** Describes what a source has. Downloads nothing but listings and small configuration files. */
  | { type: 'plan'; source: ModelSource }
  /** Downloads what is missing. An abort pauses the download. Waits where another tab downloads the same model. */
  | { type: 'fetch'; source: ModelSource }
  /** Continues a model that is stored in part, from the source it came from. */
  | { type: 'resume'; key: string }
  /** Copies a model from files that a person picked. */
  | { type: 'import'; files: PickedFile[] }
  /** Hashes everything that is stored and downloads damaged parts again, right before the engine loads a model. */
  | { type: 'check'; key: string }
  | { type: 'list' }
  /** Deletes a model, or all of them where the key is null. */
  | { type: 'remove'; key: string | null }
  /** Makes the files of a whole model's offline bundle. */
  | { type: 'bundle'; key: string }
  /** Writes the offline bundle into a folder that the person chose. Files that are there already stay. */
  | { type: 'export'; key: string; directory: FileSystemDirectoryHandle };

/** Result of each call. */
export interface StoreResults {
  plan: ModelPlan;
  fetch: StoredModel;
  resume: StoredModel;
  import: ImportReport;
  check: StoredModel;
  list: StoredModel[];
  remove: null;
  bundle: BundleFile[];
  export: null;
}

/** Messages from the page to the worker. `id` is chosen by the page; an abort ends the call of that id. */
export type ToStore = { id: number; call: StoreCall } | { id: number; abort: true };

/** Messages from the worker about the call of that id: any number of `progress`, then one `result` or `error`. */
export type FromStore =
  | { id: number; progress: StoreProgress }
  | { id: number; result: StoreResults[keyof StoreResults] }
  | { id: number; error: { code: StoreErrorCode; detail: string } };

/** Name of the BroadcastChannel on which the stores of all tabs talk to all tabs. */
export const STORE_CHANNEL = 'fournil-store';

/** Messages on that channel. */
export type StoreBroadcast =
  | { type: 'progress'; progress: StoreProgress }
  /** A fetch, import or check has ended, with an error if it failed. */
  | { type: 'ended'; key: string; error?: { code: StoreErrorCode; detail: string } }
  /** The list of stored models has changed. */
  | { type: 'changed' }
  /** Asks the tab that downloads this model to pause. */
  | { type: 'pause'; key: string };

const STORED = 'stored:';

/**
 * Names a stored model for the engine's `load`, which otherwise takes the URL of a folder.
 * @param key the model's key in the store.
 * @returns `stored:KEY`.
 */
export const storedModel = (key: string): string => STORED + key;

/**
 * Reads a name that `storedModel` made.
 * @param model what was given to the engine's `load`.
 * @returns the model's key, or null for a URL.
 */
export const storedKey = (model: string): string | null =>
  model.startsWith(STORED) ? model.slice(STORED.length) : null;
