/** Databases of IndexedDB: opened at their first use, and closed when another page wants to change them. */

/** Returns `open()`, which opens the database `name`; `create(database)` makes its stores where there are none. */
export function opener(name, create) {
  let opening;
  return () => {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => create(request.result);
      request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close();
        resolve(request.result);
      };
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error("blocked"));
    }).catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
}
