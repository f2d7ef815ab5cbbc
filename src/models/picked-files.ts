/** Files that a person chose, or dropped with their folders. */
import type { PickedFile } from '../../protocol/store.ts';

export const chosenFiles = (files: Iterable<File>): PickedFile[] =>
  Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

async function* filesIn(entry: FileSystemEntry): AsyncGenerator<PickedFile> {
  if (entry.isFile) yield { path: entry.fullPath.replace(/^\//, ''), file: await fileOf(entry as FileSystemFileEntry) };
  if (!entry.isDirectory) return;
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // readEntries returns at most 100 entries per call, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const each of some) yield* filesIn(each);
  }
}

export async function droppedFiles(data: DataTransfer): Promise<PickedFile[]> {
  // The items must be read now, since they are empty after the event.
  const entries = Array.from(data.items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const loose = chosenFiles(data.files);
  if (entries.length === 0) return loose;
  const files: PickedFile[] = [];
  for (const entry of entries) for await (const file of filesIn(entry)) files.push(file);
  return files;
}
