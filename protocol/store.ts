/**
 * What the page and the model-store worker agree on: where a model's bytes come from, what is stored, and what can go
 * wrong on the way. Types only.
 */
import type { Dtype } from './engine.ts';

/** Hub, mirror and USB stick differ only in where bytes come from. `dtype` left out: the best that the folder has. */
export type ModelSource =
  /** A repository of the Hugging Face hub. The revision is a branch or tag until it is planned, then a commit. */
  | { kind: 'hub'; repo: string; revision?: string; dtype?: Dtype }
  /** The URL of a model folder with a manifest.json (docs/contributing/model-format.md). */
  | { kind: 'mirror'; url: string; dtype?: Dtype }
  /** Files that a person picked or dropped. They have to be picked again to go on. */
  | { kind: 'files'; dtype?: Dtype };

/** What a source would bring, known before anything large is fetched. */
export interface ModelPlan {
  /** The model's name in the store; other revisions and dtypes have other keys. */
  key: string;
  id: string;
  revision: string;
  licence: string;
  dtype: Dtype;
  /** It sees pictures. */
  vision: boolean;
  contextLength: number;
  /** Bytes of all its files. */
  size: number;
  /** Of these, bytes that are stored and verified already. */
  present: number;
  /** With revision and dtype filled in. */
  source: ModelSource;
}

export interface StoredModel extends ModelPlan {
  /** Every byte is stored and verified. */
  complete: boolean;
  /** When it was last opened to answer, ms since 1970; null: never. */
  lastUsed: number | null;
}

/** Why nothing comes at the moment, although nobody paused it. */
export interface Waiting {
  reason: 'network' | 'server-busy' | 'server-error' | 'web-page' | 'other-tab';
  /** When it is tried again, ms since 1970; null: when the network is back, or the other tab is done. */
  until: number | null;
}

export interface StoreProgress {
  key: string;
  id: string;
  /** `checking`: what is stored is being read and hashed. */
  phase: 'fetching' | 'copying' | 'checking';
  /** Bytes verified, or checked; of `total`. */
  done: number;
  total: number;
  /** Bytes that came from the source in this run; more than were new if some had to come twice. */
  received: number;
  waiting?: Waiting;
}

/** A file a person picked or dropped, with its path in the folder where the browser tells it, else its name. */
export interface PickedFile {
  path: string;
  file: File;
}

/** What was found among picked files. `missing` and `wrong` can be mended by picking again: what was good is kept. */
export interface ImportReport {
  model: StoredModel;
  /** Paths the model needs that were not among the files. */
  missing: string[];
  /** Paths whose bytes are not those the manifest names. */
  wrong: string[];
  /** Picked files that are no part of the model. */
  unrelated: string[];
}

/** A file of the offline bundle: its path in the bundle's folder and its bytes, at most KIT_FILE_BYTES of them. */
export interface BundleFile {
  path: string;
  blob: Blob;
}

export const STORE_ERRORS = [
  /** The source could not be reached at all. */
  'network',
  /** There is no such repository, folder or file. */
  'not-found',
  /** What is there is not a Gemma 3 that can run here. */
  'not-a-model',
  /** Wrong bytes three times: the detail names the file. */
  'source-bad',
  /** This site's policy does not let it fetch from there. */
  'host-refused',
  /** The browser has no room; what arrived is kept. */
  'quota',
  /** The browser gives this page no storage (private windows of some). */
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
export type StoreErrorCode = (typeof STORE_ERRORS)[number];

export class StoreError extends Error {
  constructor(
    readonly code: StoreErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'StoreError';
  }
}

export type StoreCall =
  /** Looks at a source and fetches nothing but listings and small configuration files. */
  | { type: 'plan'; source: ModelSource }
  /** Fetches what is missing. Aborting pauses: what arrived stays. Where another tab is at it already, waits for it. */
  | { type: 'fetch'; source: ModelSource }
  /** Goes on with a model that is stored in part, from where it came from. */
  | { type: 'resume'; key: string }
  | { type: 'import'; files: PickedFile[] }
  /** Reads and hashes all that is stored; fetches damaged parts again. Right before the engine opens a model. */
  | { type: 'check'; key: string }
  | { type: 'list' }
  /** Deletes a model and frees its space; null: all of them. */
  | { type: 'remove'; key: string | null }
  /** The offline bundle of a whole model. */
  | { type: 'bundle'; key: string }
  /** Writes the offline bundle into a folder that the person chose; files that are there and right are not written again. */
  | { type: 'export'; key: string; directory: FileSystemDirectoryHandle };

/** What each call resolves to. */
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

export type ToStore = { id: number; call: StoreCall } | { id: number; abort: true };

export type FromStore =
  | { id: number; progress: StoreProgress }
  | { id: number; result: StoreResults[keyof StoreResults] }
  | { id: number; error: { code: StoreErrorCode; detail: string } };

/** What stores of all tabs tell all tabs over a BroadcastChannel of this name. */
export const STORE_CHANNEL = 'fournil-store';

export type StoreBroadcast =
  | { type: 'progress'; progress: StoreProgress }
  /** A fetch, import or check ended, well or not. */
  | { type: 'ended'; key: string; error?: { code: StoreErrorCode; detail: string } }
  /** The list of stored models is another one. */
  | { type: 'changed' }
  /** Asks whichever tab is fetching this model to stop; what arrived stays. */
  | { type: 'pause'; key: string };

const STORED = 'stored:';
/** What the engine's `load` takes for a stored model, in place of a folder's URL. */
export const storedModel = (key: string): string => STORED + key;
/** The key of such a name, or null for a URL. */
export const storedKey = (model: string): string | null =>
  model.startsWith(STORED) ? model.slice(STORED.length) : null;
