// SPDX-License-Identifier: Apache-2.0
// What an app keeps of bkend: three base URLs, a publishable key, and the tokens of who is signed in. Only the URLs were changed for Magpie.

const settings = new URLSearchParams(location.search);
const API = settings.get("api");
const IMAGES = settings.get("images");
const KEY = settings.get("key");
// Some guides read the body as it is, others what is in its `data`.
const unwraps = settings.get("unwraps") === "1";

const tokens = {
  get access() { return sessionStorage.getItem("access"); },
  get refresh() { return sessionStorage.getItem("refresh"); },
  keep({accessToken, refreshToken}) {
    sessionStorage.setItem("access", accessToken);
    sessionStorage.setItem("refresh", refreshToken);
  },
  forget() { sessionStorage.clear(); },
};

class APIError extends Error {
  constructor(status, body) {
    super(body.error?.message || body.message);
    this.status = status;
    this.code = body.error?.code;
  }
}

let renewal = null;
/** Asks for other tokens, once for all who need them. */
function renew() {
  renewal ??= (async () => {
    const answer = await fetch(`${API}/v1/auth/refresh`, {
      method: "POST", headers: {"Content-Type": "application/json", "X-API-Key": KEY},
      body: JSON.stringify({refreshToken: tokens.refresh}),
    });
    if (!answer.ok) { tokens.forget(); throw new APIError(answer.status, await answer.json()); }
    const body = await answer.json();
    tokens.keep(unwraps ? body.data : body);
  })().finally(() => { renewal = null; });
  return renewal;
}

async function bkend(path, {method = "GET", body} = {}, isRetry = false) {
  const headers = {"X-API-Key": KEY};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (tokens.access) headers.Authorization = `Bearer ${tokens.access}`;
  const answer = await fetch(`${API}${path}`, {method, headers, body: body === undefined ? undefined : JSON.stringify(body)});
  if (answer.status === 401 && tokens.refresh && !isRetry) {
    await renew();
    return bkend(path, {method, body}, true);
  }
  const json = await answer.json();
  if (!answer.ok) throw new APIError(answer.status, json);
  return unwraps ? json.data : json;
}

// --- People ---------------------------------------------------------------------------------------------------------

async function signUp(email, password, name) {
  tokens.keep(await bkend("/v1/auth/email/signup", {method: "POST", body: {method: "password", email, password, name}}));
  return bkend("/v1/auth/me");
}

async function signIn(email, password) {
  tokens.forget();
  tokens.keep(await bkend("/v1/auth/email/signin", {method: "POST", body: {method: "password", email, password}}));
  return bkend("/v1/auth/me");
}

// --- Uploads --------------------------------------------------------------------------------------------------------

/** Sends bytes as a browser can that shows how far it is. Returns the ETag. */
function put(url, content, type, onProgress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded, event.total); };
    request.onload = () => request.status >= 200 && request.status < 300
      ? done(request.getResponseHeader("ETag")) : failed(new Error(`upload: ${request.status}`));
    request.onerror = () => failed(new Error("upload: the network"));
    request.open("PUT", url);
    if (type) request.setRequestHeader("Content-Type", type);
    request.send(content);
  });
}

const about = (file, more) => ({filename: file.name, contentType: file.type || "application/octet-stream", fileSize: file.size, ...more});

function register(file, key, more) {
  const body = {s3Key: key, originalName: file.name, mimeType: file.type || "application/octet-stream", size: file.size, ...more};
  return bkend("/v1/files", {method: "POST", body});
}

async function uploadSingle(file, more, onProgress = () => {}) {
  const {url, key} = await bkend("/v1/files/presigned-url", {method: "POST", body: about(file, more)});
  await put(url, file, file.type, onProgress);
  return register(file, key, more);
}

const PART = 5 * 1024 * 1024;

/** Three parts side by side; one that fails is sent again. */
async function uploadParts(file, more, onProgress = () => {}) {
  const {uploadId, key} = await bkend("/v1/files/multipart/init", {method: "POST", body: about(file, more)});
  const count = Math.ceil(file.size / PART);
  const sent = new Array(count).fill(0);
  const parts = [];
  const waiting = Array.from({length: count}, (_, index) => index);
  async function send(index, attempts = 3) {
    const slice = file.slice(index * PART, (index + 1) * PART);
    try {
      const {url} = await bkend("/v1/files/multipart/presigned-url", {method: "POST", body: {key, uploadId, partNumber: index + 1}});
      const etag = await put(url, slice, null, (loaded) => {
        sent[index] = loaded;
        onProgress(sent.reduce((a, b) => a + b), file.size);
      });
      parts.push({partNumber: index + 1, etag});
    } catch (error) {
      if (attempts > 1) return send(index, attempts - 1);
      throw error;
    }
  }
  try {
    await Promise.all([1, 2, 3].map(async () => { while (waiting.length) await send(waiting.shift()); }));
    await bkend("/v1/files/multipart/complete", {method: "POST", body: {key, uploadId, parts}});
  } catch (error) {
    await bkend("/v1/files/multipart/abort", {method: "POST", body: {key, uploadId}});
    throw error;
  }
  return register(file, key, more);
}

const upload = (file, more, onProgress) => (file.size > 10 * 1024 * 1024 ? uploadParts : uploadSingle)(file, more, onProgress);

// --- Images ---------------------------------------------------------------------------------------------------------

/** An image to measure: `{width, height, fit, smart, quality, format}`. */
function imageURL(key, {width = 0, height = 0, fit, smart, quality, format} = {}) {
  const filters = [quality && `quality(${quality})`, format && `format(${format})`].filter(Boolean);
  return [
    IMAGES, fit ? `fit-in/${width}x${height}` : `${width}x${height}${smart ? "/smart" : ""}`,
    filters.length ? `filters:${filters.join(":")}` : null, key,
  ].filter(Boolean).join("/");
}
