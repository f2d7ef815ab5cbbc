/** Types of the part of transformers.js that the bench and a browser test use; the package is installed on demand. */
declare module '@huggingface/transformers' {
  export class Tensor {
    constructor(type: string, data: ArrayLike<number> | BigInt64Array, dims: number[]);
    readonly data: unknown;
    readonly ort_tensor: unknown;
    dispose(): void;
  }

  export interface PretrainedModelOptions {
    dtype?: string;
    device?: string;
    use_external_data_format?: boolean;
    session_options?: { externalData: { path: string; data: string }[] };
  }

  export interface PreTrainedModel {
    generate(options: {
      input_ids: Tensor;
      attention_mask: Tensor;
      pixel_values?: Tensor;
      max_new_tokens: number;
      do_sample: boolean;
      eos_token_id?: number[];
      streamer?: { put(): void; end(): void };
    }): Promise<unknown>;
    dispose(): Promise<unknown>;
  }

  interface AutoModel {
    from_pretrained(name: string, options: PretrainedModelOptions): Promise<PreTrainedModel>;
  }
  export const AutoModelForCausalLM: AutoModel;
  export const AutoModelForImageTextToText: AutoModel;
  export const AutoTokenizer: { from_pretrained(name: string): Promise<unknown> };

  export const env: {
    version: string;
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    backends: {
      onnx: {
        wasm?: { wasmPaths?: { mjs: string; wasm: string }; numThreads?: number };
        versions?: { web?: string };
      };
    };
  };
}
