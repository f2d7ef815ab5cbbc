/** Whether a browser will ever ask for a file: of onnxruntime's two WebGPU builds it runs only one (runtime/ort.ts). */
export const isUsedBy = (webAssembly: object, url: string): boolean =>
  !('Suspending' in webAssembly ? /\/ort\b.*\b(asyncify|webgpu)\b/ : /\/ort\b.*\bjspi\b/).test(url);
