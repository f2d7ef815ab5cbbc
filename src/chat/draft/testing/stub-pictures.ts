import { vi } from 'vitest';

/** Node decodes no pictures: every file counts as one of this size, unless its name begins with "broken". */
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
