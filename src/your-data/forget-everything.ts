/**
 * Deletes everything that the app stores about a person: conversations, models, lessons, preferences. The offline app
 * stays.
 */
import type { Library } from '../models/library.svelte.ts';
import type { Conversations } from '../conversation-list/conversations.svelte.ts';

/** @returns false if something could not be deleted; otherwise the page is reloaded */
export async function forgetEverything(conversations: Conversations, library: Library): Promise<boolean> {
  if (!(await conversations.removeEverything())) return false;
  await library.remove(null);
  if (library.models.length > 0) return false;
  // Deletion is deferred while a connection is open, and completes when the page is reloaded.
  for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name);
  try {
    localStorage.clear();
    sessionStorage.clear();
  } catch {
    // If storage is refused, it is empty.
  }
  location.replace(location.pathname);
  return true;
}
