/** The webcam: frames for whoever is ready for one, never a queue. */

const WHY = {
  NotAllowedError:
    "The browser was not allowed to use the camera.\nAllow it in the address bar's camera settings, then start the camera again.",
  NotFoundError: "No camera was found.\nConnect one, or drop photographs here instead.",
  NotReadableError:
    "The camera is there but cannot be read; another program may be using it.\nClose that program, then start the camera again.",
  OverconstrainedError: "The camera does not offer what was asked of it.\nChoose another one.",
  AbortError: "The camera stopped while it was starting.\nStart it again.",
};

export class CameraError extends Error {}

export class Camera {
  /** @param {HTMLVideoElement} video Shows the picture. */
  constructor(video) {
    this._video = video;
    this._stream = null;
    this._waiting = null;
    /** Frames that came while none was wanted. */
    this.dropped = 0;
    this.onEnded = () => {};
  }

  get running() {
    return this._stream !== null;
  }

  /** Whether the picture is that of the person in front of it. */
  get facesUser() {
    const facing = this._stream?.getVideoTracks()[0]?.getSettings().facingMode;
    return facing === undefined || facing === "user";
  }

  /** @throws {CameraError} With a text for the person. */
  async start(deviceId) {
    this.stop();
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new CameraError(
        "This browser gives a page the camera over HTTPS or from localhost only.\nOpen the page there, or drop photographs here instead.",
      );
    }
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
    try {
      this._stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which } });
    } catch (error) {
      throw new CameraError(WHY[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
    this._stream.getVideoTracks()[0].addEventListener("ended", () => {
      this.stop();
      this.onEnded("The camera was switched off or unplugged.\nStart it again when it is back.");
    });
    this._video.srcObject = this._stream;
    await this._video.play();
    this._listen();
  }

  stop() {
    for (const track of this._stream?.getTracks() ?? []) track.stop();
    this._stream = null;
    this._waiting = null;
    this._video.srcObject = null;
  }

  async cameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
  }

  /** Calls back once, with the next frame. */
  next(callback) {
    this._waiting = callback;
  }

  _listen() {
    const stream = this._stream;
    const arrived = async () => {
      if (this._stream !== stream) return;
      again();
      const callback = this._waiting;
      if (callback === null) {
        this.dropped++;
        return;
      }
      this._waiting = null;
      try {
        callback(await capture(this._video));
      } catch {
        // A frame that vanished, as when the window changes its size: the next one will do.
        if (this._stream === stream) this._waiting = callback;
      }
    };
    const again = () => {
      if (this._video.requestVideoFrameCallback) this._video.requestVideoFrameCallback(arrived);
      else requestAnimationFrame(arrived);
    };
    again();
  }
}

/** The frame shown now: a VideoFrame where its pixels can be read, else an ImageBitmap. */
async function capture(video) {
  if (typeof VideoFrame === "function") {
    const frame = new VideoFrame(video);
    if (["I420", "NV12", "RGBA", "RGBX", "BGRA", "BGRX"].includes(frame.format)) return frame;
    frame.close();
  }
  return createImageBitmap(video);
}
