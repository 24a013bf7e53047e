// SPDX-License-Identifier: Apache-2.0
// The page: a form that uploads with progress, a list, and a gallery of public pictures.

const $ = (id) => document.getElementById(id);
const events = [];

async function show() {
  const {items} = await bkend("/v1/files?limit=100&sortBy=createdAt&sortDirection=desc");
  $("files").replaceChildren(...items.map((item) => {
    const row = document.createElement("li");
    row.id = item.id;
    row.textContent = `${item.originalName} ${item.mimeType} ${item.size} ${item.visibility}`;
    return row;
  }));
  $("gallery").replaceChildren(...items.filter((item) => item.visibility === "public" && item.mimeType.startsWith("image/")).map((item) => {
    const image = new Image();
    image.crossOrigin = "anonymous";
    image.src = imageURL(item.s3Key, {width: 40, height: 30, smart: true, quality: 80});
    return image;
  }));
  return items;
}

/** Each by itself: one that fails does not stop the others. */
async function uploadAll(files, visibility) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const loaded = new Map();
  const results = await Promise.allSettled(files.map((file) => upload(file, {visibility}, (bytes) => {
    loaded.set(file, bytes);
    const percent = Math.round(100 * [...loaded.values()].reduce((a, b) => a + b, 0) / size);
    $("progress").value = percent;
    events.push(percent);
  })));
  $("status").textContent = results.map((result, index) => `${files[index].name}: ${result.status === "fulfilled" ? "done" : result.reason.code ?? result.reason.message}`).join("; ");
  await show();
}

$("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  uploadAll([...$("file").files], $("visibility").value).catch((error) => { $("status").textContent = `failed: ${error.message}`; });
});
