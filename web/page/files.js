/** Photographs out of what was dropped or chosen: files, folders, folders within. */

const PICTURE = /\.(jpe?g|png|webp|gif|bmp|avif|heic|heif|tiff?|jxl)$/i;

/** Whether a file may be a picture; what it is shows when it is decoded. */
function mayBePicture(file) {
  return file.type.startsWith("image/") || PICTURE.test(file.name);
}

/** Pictures of an <input>, with their path within the chosen folder. */
export function chosen(list) {
  return sorted(
    [...list].filter(mayBePicture).map((file) => ({ file, path: file.webkitRelativePath || file.name })),
  );
}

/** Pictures of a drop, folders opened. Entries have to be taken before the event is over. */
export async function dropped(transfer) {
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  const look = async (entry) => {
    if (entry instanceof File) {
      found.push({ file: entry, path: entry.name });
    } else if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    } else {
      for (const child of await children(entry)) await look(child);
    }
  };
  for (const entry of entries) if (entry) await look(entry);
  return sorted(found.filter(({ file }) => mayBePicture(file)));
}

/** A folder is read in parts until there are no more. */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return all;
    all.push(...part);
  }
}

function sorted(pictures) {
  return pictures.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }));
}
