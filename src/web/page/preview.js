// SPDX-License-Identifier: GPL-3.0-or-later
// What became of a recording, in the list: its middle, before and after. The browser makes the pictures out of the two
// files, for what is on the screen, one after the other. Where it cannot, there are none.
"use strict";

const Preview = (() => {
    const {element} = Make;
    const dialog = document.getElementById("compare");
    const patience = 15000; // milliseconds a picture
    const known = new WeakSet();
    const wanted = new Set(); // they are on the screen
    const failed = new Set(); // jobs
    let busy = false;

    const make = () => {
        const made = element("div", undefined, "preview");
        made.dataset.act = "compare";
        made.setAttribute("aria-hidden", "true"); // the button beside it does the same, and has words
        for (const which of ["original", "result"]) {
            const canvas = element("canvas");
            canvas.width = 320;
            canvas.height = 180;
            const figure = element("figure");
            figure.append(canvas, element("figcaption", which));
            made.append(figure);
        }
        return made;
    };

    // The whole picture, in the middle of the canvas.
    const paint = (canvas, video) => {
        const context = canvas.getContext("2d");
        const scale = Math.min(canvas.width / video.videoWidth, canvas.height / video.videoHeight);
        const width = video.videoWidth * scale, height = video.videoHeight * scale;
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(video, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    };

    // Fills the canvas, and gives the second that it shows: the one that is asked for, or the middle.
    const draw = (canvas, url, second) => new Promise((resolve, reject) => {
        const video = document.createElement("video");
        const timer = setTimeout(() => video.onerror(), patience);
        const end = () => {
            clearTimeout(timer);
            video.onerror = null;
            video.removeAttribute("src");
            video.load(); // lets go of the line
        };
        video.onerror = () => {
            end();
            reject(new Error(url));
        };
        video.onloadedmetadata = () => {
            video.currentTime = second ?? (Number.isFinite(video.duration) ? video.duration / 2 : 0);
        };
        video.onseeked = () => {
            if (!video.videoWidth)
                return video.onerror();
            const shown = video.currentTime;
            paint(canvas, video);
            end();
            return resolve(shown);
        };
        video.muted = true;
        video.preload = "metadata";
        video.src = url;
    });

    const drawBoth = async (preview, job) => {
        const [original, result] = preview.querySelectorAll("canvas");
        const url = `/media/${encodeURIComponent(job)}`;
        const second = await draw(result, `${url}/result`);
        await draw(original, `${url}/original`, second);
    };

    const next = async () => {
        const preview = [...wanted].find((one) => one.isConnected);
        if (busy || !preview || dialog.open) // that one has the lines for itself
            return;
        const job = preview.closest("li").dataset.job;
        busy = true;
        wanted.delete(preview);
        watcher.unobserve(preview);
        await drawBoth(preview, job).catch(() => {
            if (preview.isConnected)
                failed.add(job);
            preview.remove();
        });
        busy = false;
        next();
    };

    const watcher = new IntersectionObserver((entries) => {
        for (const {isIntersecting, target} of entries)
            if (isIntersecting)
                wanted.add(target);
            else
                wanted.delete(target);
        next();
    });

    dialog.addEventListener("close", next);

    // An element for pictures of the job, empty until they are watched and seen; none where that failed.
    const of = (job) => failed.has(job) ? [] : [make()];

    const watch = (list) => {
        for (const preview of list.querySelectorAll(".preview"))
            if (!known.has(preview)) {
                known.add(preview);
                watcher.observe(preview);
            }
    };

    return {of, watch, forget: () => failed.clear()};
})();
