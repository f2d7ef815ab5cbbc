/**
 * @file Names of compute pipelines. onnxruntime's release builds label none, so a pipeline without a label is named after
 * the buffers that its shader binds, which tells operators apart.
 */
const shaders = new WeakMap<object, string>();
const pipelines = new WeakMap<object, string>();

/**
 * Describes a shader by its storage buffers.
 * @param code WGSL.
 * @returns the names of buffers that it reads and of those that it writes, such as `input_a, scales_b → output`.
 */
export function describeShader(code: string): string {
  const bindings = [...code.matchAll(/var\s*<\s*storage\s*,\s*(read|read_write)\s*>\s*(\w+)/g)];
  const named = (access: string) => bindings.filter((b) => b[1] === access).map((b) => b[2] ?? '');
  return `${named('read').join(', ')} → ${named('read_write').join(', ')}`;
}

/**
 * Notes the code of a shader module.
 * @param module the module.
 * @param code its WGSL.
 */
export function rememberShader(module: object, code: string): void {
  shaders.set(module, code);
}

/**
 * Notes the name of a pipeline.
 * @param pipeline the pipeline.
 * @param label its label, if it has one.
 * @param module its shader module.
 */
export function rememberPipeline(pipeline: object, label: string | undefined, module: object): void {
  const code = shaders.get(module);
  pipelines.set(pipeline, label ?? (code === undefined ? 'unnamed' : describeShader(code)));
}

/**
 * Names a pipeline.
 * @param pipeline any pipeline.
 * @returns its label, or the description of its shader.
 */
export const kernelName = (pipeline: object): string => pipelines.get(pipeline) ?? 'unnamed';
