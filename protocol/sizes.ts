/** @file Sizes in which model files are cut. Tests that need many parts replace this module by one of small numbers. */

/** Bytes of a part: files are hashed, fetched and verified in parts of this size. */
export const PART_BYTES = 64 * 1024 * 1024;

/**
 * Bytes of a file in an offline bundle, at most. Larger files are cut (`path.001`, `path.002`, …), since FAT32, the file
 * system of many USB sticks, holds no file of 4 GB.
 */
export const BUNDLE_FILE_BYTES = 29 * PART_BYTES;
