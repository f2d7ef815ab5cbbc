/** All that this page keeps of a person, gone: conversations, models, lessons, choices. The app itself stays. */
import type { Library } from '../models/library.svelte.ts';
import type { Conversations } from '../conversation-list/conversations.svelte.ts';

/** @returns whether all is gone. The page begins anew then. */
export async function forgetEverything(conversations: Conversations, library: Library): Promise<boolean> {
  if (!(await conversations.removeEverything())) return false;
  await library.remove(null);
  if (library.models.length > 0) return false;
  // Whoever has one open gives it up by itself; it goes when the page begins anew.
  for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name);
  try {
    localStorage.clear();
    sessionStorage.clear();
  } catch {
    // Where storage is refused, nothing is in it.
  }
  location.replace(location.pathname);
  return true;
}
