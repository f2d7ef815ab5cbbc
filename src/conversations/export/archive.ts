/** Reads zip archives as a stream: only wanted files are unpacked, and no more than the limits allow. */
import { Unzip, UnzipInflate } from 'fflate';
import { ImportError } from './format.ts';
import { IMPORT_LIMITS } from './limits.ts';

export const isArchive = async (file: Blob): Promise<boolean> => (await file.slice(0, 4).text()) === 'PK\x03\x04';

/** Unpacks the files whose names are wanted. @throws ImportError `too-large`, `unreadable` */
export async function unpack(file: Blob, wanted: (name: string) => boolean): Promise<Map<string, Blob>> {
  const files = new Map<string, Blob>();
  let failure: unknown = null;
  let size = 0;
  let seen = 0;
  let open = 0;
  const unzip = new Unzip((entry) => {
    if (++seen > IMPORT_LIMITS.archiveFiles) failure = new ImportError('too-large');
    if (failure || !wanted(entry.name)) return;
    const parts: BlobPart[] = [];
    open += 1;
    entry.ondata = (error, data, final) => {
      if (error) failure ??= error;
      size += data?.length ?? 0;
      if (size > IMPORT_LIMITS.unpacked) failure ??= new ImportError('too-large');
      if (failure) {
        entry.terminate();
        return;
      }
      parts.push(new Blob([data as Uint8Array<ArrayBuffer>]));
      if (!final) return;
      open -= 1;
      files.set(entry.name, new Blob(parts));
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  try {
    const reader = file.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      unzip.push(value);
      if (failure) break;
    }
    if (!failure) unzip.push(new Uint8Array(), true);
  } catch (cause) {
    failure ??= cause;
  }
  if (failure instanceof ImportError) throw failure;
  if (failure || open > 0) throw new ImportError('unreadable', failure ? String(failure) : 'the archive is cut off');
  return files;
}
