/**
 * What a compute pipeline is called. onnxruntime's release builds label none, so a pipeline without a label goes by what
 * its shader binds, which tells its operators apart.
 */
const shaders = new WeakMap<object, string>();
const pipelines = new WeakMap<object, string>();

/** What a shader's buffers and its workgroup are called, in order: `input_a, scales_b → output`. */
export function describeShader(code: string): string {
  const bindings = [...code.matchAll(/var\s*<\s*storage\s*,\s*(read|read_write)\s*>\s*(\w+)/g)];
  const named = (access: string) => bindings.filter((b) => b[1] === access).map((b) => b[2] ?? '');
  return `${named('read').join(', ')} → ${named('read_write').join(', ')}`;
}

export function rememberShader(module: object, code: string): void {
  shaders.set(module, code);
}

export function rememberPipeline(pipeline: object, label: string | undefined, module: object): void {
  const code = shaders.get(module);
  pipelines.set(pipeline, label ?? (code === undefined ? 'unnamed' : describeShader(code)));
}

export const kernelName = (pipeline: object): string => pipelines.get(pipeline) ?? 'unnamed';
