/** tools/vite-plugins/assembly.ts */
declare module '*?assembly' {
  /** A WebAssembly module in base64, for a memory of its own. */
  export const plain: string;
  /** For a memory that threads share. */
  export const shared: string;
}
