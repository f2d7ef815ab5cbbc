import { vi } from 'vitest';

/** In Node no picture is decoded: each file is one, of so many pixels, unless its name says that it is broken. */
export function stubPictures({ width = 8, height = 8 } = {}): void {
  vi.stubGlobal(
    'Image',
    class {
      naturalWidth = width;
      naturalHeight = height;
      onload?: () => void;
      set src(_url: string) {
        queueMicrotask(() => this.onload?.());
      }
    },
  );
  vi.stubGlobal('createImageBitmap', ({ name }: File) =>
    name.startsWith('broken') ? Promise.reject(new DOMException('cut short')) : Promise.resolve({ close: vi.fn() }),
  );
}
