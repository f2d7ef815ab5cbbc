/** @file Prints the progress of an export: on a terminal a line that is rewritten, in a log a line every few percent. */
import type { WriteStream } from 'node:tty';
import type { ExportProgress } from './export-model.ts';

const LOG_STEP = 0.05;
const BAR = 24;

/** Prints progress. */
export interface ProgressPrinter {
  update: (progress: ExportProgress) => void;
  /** Ends the line, so that other output can follow. */
  end: () => void;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

/**
 * Makes a printer.
 * @param stream where to write. `isTTY` decides the form.
 * @returns the printer.
 */
export function progressPrinter(
  stream: Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number },
): ProgressPrinter {
  let shown = -1;
  let open = false;
  return {
    update({ done, total, tensor }) {
      const share = total ? done / total : 1;
      const amount = `${megabytes(done)} of ${megabytes(total)} MB`;
      if (!stream.isTTY) {
        if (share - shown < LOG_STEP && share < 1) return;
        shown = share;
        stream.write(`${(share * 100).toFixed(0).padStart(3)} %  ${amount}  ${tensor}\n`);
        return;
      }
      // A terminal that is redrawn for each small tensor would slow the export.
      if (share - shown < 0.002 && share < 1) return;
      shown = share;
      const filled = Math.round(share * BAR);
      const line = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${amount}  ${tensor}`;
      stream.write(`\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
      open = true;
    },
    end() {
      if (open) stream.write('\n');
      open = false;
    },
  };
}
