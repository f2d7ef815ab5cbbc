/** Saves files to a folder that the person chooses, or as downloads. */
import type { BundleFile } from '../../protocol/store.ts';

/** Only Chromium has this, and TypeScript's library does not. */
type PickDirectory = (options: { id: string; mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;

const pick = (): PickDirectory | undefined =>
  (window as { showDirectoryPicker?: PickDirectory }).showDirectoryPicker?.bind(window);

export const canPickDirectory = (): boolean => pick() !== undefined;

/** @returns null if the person closed the dialog */
export async function pickDirectory(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (await pick()?.({ id: 'offline-bundle', mode: 'readwrite' })) ?? null;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') return null;
    throw cause;
  }
}

/** Browsers drop downloads that follow each other too quickly. */
const PAUSE_MS = 1000;
/** The browser has read the Blob of a download long before that. */
const KEPT_MS = 10 * 60_000;

/** Saves the files one after the other under their names; the import needs no folders. */
export async function saveFiles(files: readonly BundleFile[], onFile: (index: number) => void): Promise<void> {
  for (const [index, { path, blob }] of files.entries()) {
    onFile(index);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = path.slice(path.lastIndexOf('/') + 1);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
