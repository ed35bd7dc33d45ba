// SPDX-License-Identifier: GPL-3.0-or-later
// A recording beside what was made of it: one picture with a seam, or two pictures, in step.
"use strict";

const Compare = (() => {
    const at = (id) => document.getElementById(id);
    const near = 0.03; // seconds that nobody sees
    const far = 0.4; // beyond, it jumps; between the two, it runs a little faster or slower
    const dialog = at("compare");
    const original = at("original");
    const result = at("result"); // it leads: the sound is heard from it
    const videos = [original, result];
    let wanted = false; // it is to play
    let dragged = false; // the position is being chosen
    let opener = null;

    const clock = (seconds) => {
        const whole = Math.max(0, Math.floor(seconds || 0));
        const minutes = String(Math.floor(whole / 60) % 60);
        const rest = String(whole % 60).padStart(2, "0");
        return whole < 3600 ? `${minutes}:${rest}` : `${Math.floor(whole / 3600)}:${minutes.padStart(2, "0")}:${rest}`;
    };

    const ready = () => videos.every((video) => video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA && !video.seeking);

    // Only what differs: this is called for every picture, and what changes is read again.
    const set = (id, property, value) => {
        if (at(id)[property] !== value)
            at(id)[property] = value;
    };

    const show = () => {
        const length = result.duration || 0;
        set("play", "textContent", wanted ? "Pause" : "Play");
        set("clock", "textContent", `${clock(result.currentTime)} / ${clock(length)}`);
        set("seek", "max", String(length || 1));
        set("seek", "ariaValueText", `${clock(result.currentTime)} of ${clock(length)}`);
        if (!dragged)
            set("seek", "valueAsNumber", Math.round(result.currentTime * 10) / 10);
    };

    // Both run or none: one that has to load holds the other.
    const keep = () => {
        if (!dialog.open)
            return;
        const go = wanted && (ready() || !result.paused && original.readyState >= 2 && result.readyState >= 2);
        for (const video of videos) {
            if (go && video.paused && !video.ended)
                video.play().catch(() => { wanted = false; show(); });
            else if (!go && !video.paused)
                video.pause();
        }
        const drift = original.currentTime - result.currentTime;
        if (go && Math.abs(drift) > far)
            original.currentTime = result.currentTime;
        original.playbackRate = go && Math.abs(drift) > near ? 1 - Math.sign(drift) * 0.08 : 1;
        if (result.ended || original.ended)
            wanted = false;
        show();
        requestAnimationFrame(keep);
    };

    const seek = (seconds) => {
        for (const video of videos)
            video.currentTime = seconds;
    };

    const fail = (video, name) => {
        const why = video.error && video.error.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED
            ? "this browser cannot play it, or it is not there any more" : "it cannot be loaded";
        at("compare-error").hidden = false;
        at("compare-error").textContent = `The ${name}: ${why}. Save it and open it in a player.`;
    };

    // "call.tinted.mp4" for a result that has the original's name: both may be saved into one folder.
    const fileNames = (job) => {
        const [original, result] = [job.input, job.output].map((file) => file.path.split("/").pop());
        return {original, result: result === original ? result.replace(/(\.[^.]*)?$/, ".tinted$1") : result};
    };

    const open = (job, title) => {
        const names = fileNames(job);
        opener = document.activeElement;
        wanted = false;
        at("compare-title").textContent = title;
        at("compare-error").hidden = true;
        for (const video of videos) {
            const url = `/media/${encodeURIComponent(job.job)}/${video.id}`;
            video.src = url;
            at(`save-${video.id}`).href = url;
            at(`save-${video.id}`).download = names[video.id];
        }
        // the middle, as a still: a picture before and after
        result.addEventListener("loadedmetadata", () => seek(result.duration / 2), {once: true});
        original.addEventListener("loadedmetadata", () => { original.currentTime = result.currentTime; }, {once: true});
        dialog.showModal();
        at("play").focus();
        requestAnimationFrame(keep);
    };

    dialog.addEventListener("close", () => {
        wanted = false;
        for (const video of videos) {
            video.pause();
            video.removeAttribute("src");
            video.load();
            at(`save-${video.id}`).removeAttribute("href");
            at(`save-${video.id}`).download = "";
        }
        at("compare-title").textContent = "";
        if (opener && opener.isConnected)
            opener.focus();
    });
    for (const video of videos)
        video.addEventListener("error", () => { if (dialog.open && video.hasAttribute("src")) fail(video, video.id); });
    at("compare-close").addEventListener("click", () => dialog.close());
    at("play").addEventListener("click", () => {
        if (!wanted && result.ended)
            seek(0);
        wanted = !wanted;
        show();
    });
    at("seek").addEventListener("input", () => { dragged = true; seek(Number(at("seek").value)); });
    at("seek").addEventListener("change", () => { dragged = false; });
    at("wipe").addEventListener("input", () => at("stage").style.setProperty("--wipe", `${at("wipe").value}%`));
    at("mute").addEventListener("click", () => {
        result.muted = !result.muted;
        at("mute").setAttribute("aria-pressed", String(result.muted));
    });
    at("beside").addEventListener("click", () => {
        const beside = at("stage").classList.toggle("beside");
        at("stage").classList.toggle("slider", !beside);
        at("wipe-line").hidden = beside;
        at("beside").setAttribute("aria-pressed", String(beside));
    });

    return {open, close: () => dialog.close()};
})();
