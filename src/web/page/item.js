// SPDX-License-Identifier: GPL-3.0-or-later
// A job as an item of a list. may: what can be done here, {change, media}, and whether a change is asked for already.
"use strict";

const Item = (() => {
    const {element, button, span, time} = Make;

    const name = (job) => job.input && job.input.path ? job.input.path : `job ${job.job}`;

    const changes = (job, may) => {
        const line = [];
        if (job.cancel)
            line.push(button("Cancel", `Cancel ${name(job)}`, "cancel"));
        if (job.retry)
            line.push(button("Try again", `Try again: ${name(job)}`, "retry"));
        for (const one of line)
            if (may.asked) // disabled, it would lose the focus
                one.setAttribute("aria-disabled", "true");
        return line;
    };

    const actions = (job, may) => {
        const line = element("p", undefined, "buttons");
        if (may.change)
            line.append(...changes(job, may));
        if (may.media && job.state === "completed")
            line.append(button("Compare", `Compare ${name(job)} with its original`, "compare"));
        return line.childElementCount ? [line] : [];
    };

    // Who has no buttons here has the same in a terminal.
    const terminal = (job, may) => {
        const what = job.retry ? "retry" : job.cancel ? "cancel" : null;
        if (may.change || !what)
            return [];
        const line = element("p", "In a terminal: ", "faint");
        line.append(element("code", `vidriera ${what} ${job.job}`));
        return [line];
    };

    const running = (job, may) => {
        const item = element("li");
        const bar = element("progress");
        const known = typeof job.fraction === "number";
        const facts = [];
        if (known)
            bar.value = job.fraction;
        bar.setAttribute("aria-label", `Progress of ${name(job)}`);
        if (known)
            facts.push(`${Math.floor(job.fraction * 100)} %`);
        if (job.fps >= 1.5)
            facts.push(`${Math.round(job.fps)} frames a second`);
        if (job.left_s >= 1)
            facts.push(`about ${span(job.left_s)} left`);
        if (job.worker)
            facts.push(`on ${job.worker}`);
        if (job.attempt > 1)
            facts.push(`attempt ${job.attempt}`);
        item.append(element("h3", name(job)));
        if (job.state === "running")
            item.append(bar);
        if (facts.length)
            item.append(element("p", facts.join(" · "), "faint"));
        if (job.state === "retrying" && job.error)
            item.append(element("p", `Will be tried again: ${job.error.why}`));
        item.append(...terminal(job, may), ...actions(job, may));
        return item;
    };

    const verdicts = {
        failed: "Could not be made.",
        rejected: "Was refused.",
        cancelled: "Was cancelled.",
    };

    const failed = (job, may) => {
        const item = element("li");
        const error = job.error || {};
        item.append(element("h3", name(job)), element("p", error.why || verdicts[job.state]));
        if (error.cure)
            item.append(element("p", `What to do: ${error.cure}`, "cure"));
        const facts = element("p", `${verdicts[job.state]} `, "faint");
        if (job.finished)
            facts.append(time(job.finished));
        item.append(facts, ...terminal(job, may), ...actions(job, may));
        return item;
    };

    const waiting = (job, may) => {
        const item = element("li");
        item.append(element("h3", name(job)));
        if (job.queued) {
            const since = element("span", "since ", "faint");
            since.append(time(job.queued));
            item.append(since);
        }
        item.append(...actions(job, may));
        return item;
    };

    const done = (job, may) => {
        const item = element("li");
        const about = element("div", undefined, "about");
        const line = element("p", undefined, "faint");
        const facts = [];
        if (job.state === "cancelled")
            facts.push("cancelled");
        if (job.output && job.output.duration_s)
            facts.push(span(job.output.duration_s));
        if (job.metrics && job.metrics.speed)
            facts.push(`made ${job.metrics.speed.toFixed(1)} times as fast as it plays`);
        if (job.device)
            facts.push(`on ${job.device.backend}`);
        line.append(facts.join(" · "));
        if (job.finished)
            line.append(facts.length ? " · " : "", time(job.finished));
        about.append(element("h3", name(job)), line);
        const more = [...job.warnings || [], ...(job.dropped || []).map((what) => `not in the result: ${what}`)];
        if (job.device && job.device.fallback)
            more.push(`Not on a faster device: ${job.device.fallback}`);
        for (const words of more)
            about.append(element("p", words, "faint"));
        if (may.media && job.state === "completed")
            item.append(...Preview.of(job.job));
        item.append(about, ...actions(job, may));
        return item;
    };

    return {name, running, failed, waiting, done};
})();
