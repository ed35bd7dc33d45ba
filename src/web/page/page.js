// SPDX-License-Identifier: GPL-3.0-or-later
// The jobs as the board tells them (GET /events). What is shown stays in place and changes where the news differ, so that
// the focus and a press on a button survive.
"use strict";

(() => {
    const at = (id) => document.getElementById(id);
    const perPage = 50, shownWaiting = 20; // more would only be scrolled past
    const shown = {failed: perPage, done: perPage};
    const jobs = new Map();
    const asked = new Map(); // job: what it was when somebody asked for a change
    const drawn = new WeakMap(); // item: what it was drawn from
    let board = {};

    // --- small things

    const make = (tag, text, className) => {
        const element = document.createElement(tag);
        if (text !== undefined)
            element.textContent = text;
        if (className)
            element.className = className;
        return element;
    };

    const button = (text, label, act) => {
        const element = make("button", text);
        element.type = "button";
        element.dataset.act = act;
        element.setAttribute("aria-label", label);
        return element;
    };

    const span = (seconds) => {
        if (seconds < 60)
            return `${Math.max(0, Math.round(seconds))} s`;
        if (seconds < 3600)
            return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
        return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
    };

    const moment = (text) => {
        const element = make("time", new Date(text).toLocaleString([], {dateStyle: "medium", timeStyle: "short"}), "faint");
        element.dateTime = text;
        return element;
    };

    const name = (job) => job.input && job.input.path ? job.input.path : `job ${job.job}`;

    const say = (words, bad) => {
        at("said").hidden = false;
        at("said").className = `notice ${bad ? "bad" : "good"}`;
        at("said").textContent = words;
    };

    // --- what people ask for

    const post = async (path, body) => {
        const answer = await fetch(path, {method: "POST", body, credentials: "same-origin"});
        if (answer.ok)
            return null;
        const document = await answer.json().catch(() => ({}));
        return document.error || `the answer was ${answer.status}`;
    };

    const stage = (job) => `${job.state} ${job.finished || ""}`;
    const isAsked = (job) => asked.get(job.job) === stage(job);

    const ask = async (job, what, done) => {
        const before = stage(job);
        if (isAsked(job))
            return;
        asked.set(job.job, before);
        drawLists();
        const wrong = await post(`/api/jobs/${encodeURIComponent(job.job)}/${what}`).catch(() => "vidriera does not answer");
        say(wrong ? `${name(job)}: ${wrong}` : `${name(job)}: ${done}`, wrong !== null);
        const forget = () => {
            if (asked.get(job.job) === before)
                asked.delete(job.job);
            drawLists();
        };
        if (wrong)
            forget();
        else
            setTimeout(forget, 15000); // nobody heard of it: it may be asked again
    };

    const acts = {
        cancel: (job) => ask(job, "cancel", "is being cancelled"),
        retry: (job) => ask(job, "retry", "is tried again"),
        compare: (job) => Compare.open(job.job, name(job)),
    };

    at("main").addEventListener("click", (event) => {
        const pressed = event.target.closest("button[data-act]");
        const job = pressed && jobs.get(pressed.closest("li").dataset.job);
        if (job)
            acts[pressed.dataset.act](job);
    });

    const changes = (job) => {
        const line = [];
        if (job.cancel)
            line.push(button("Cancel", `Cancel ${name(job)}`, "cancel"));
        if (job.retry)
            line.push(button("Try again", `Try again: ${name(job)}`, "retry"));
        for (const element of line)
            if (isAsked(job)) // disabled, it would lose the focus
                element.setAttribute("aria-disabled", "true");
        return line;
    };

    const actions = (job) => {
        const line = make("p", undefined, "buttons");
        if (board.page && board.page.change)
            line.append(...changes(job));
        if (board.page && board.page.media && job.state === "completed")
            line.append(button("Compare", `Compare ${name(job)} with its original`, "compare"));
        return line.childElementCount ? [line] : [];
    };

    // --- a job

    const running = (job) => {
        const item = make("li");
        const bar = make("progress");
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
        item.append(make("h3", name(job)));
        if (job.state === "running")
            item.append(bar);
        if (facts.length)
            item.append(make("p", facts.join(" · "), "faint"));
        if (job.state === "retrying" && job.error)
            item.append(make("p", `Will be tried again: ${job.error.why}`));
        item.append(...actions(job));
        return item;
    };

    const verdicts = {
        failed: "Could not be made.",
        rejected: "Was refused.",
        cancelled: "Was cancelled.",
    };

    const failed = (job) => {
        const item = make("li");
        const error = job.error || {};
        item.append(make("h3", name(job)), make("p", error.why || verdicts[job.state]));
        if (error.cure)
            item.append(make("p", `What to do: ${error.cure}`, "cure"));
        const facts = make("p", `${verdicts[job.state]} `, "faint");
        if (job.finished)
            facts.append(moment(job.finished));
        item.append(facts, ...actions(job));
        return item;
    };

    const waiting = (job) => {
        const item = make("li");
        item.append(make("h3", name(job)));
        if (job.queued) {
            const since = make("span", "since ", "faint");
            since.append(moment(job.queued));
            item.append(since);
        }
        item.append(...actions(job));
        return item;
    };

    const done = (job) => {
        const item = make("li");
        const facts = [];
        if (job.output && job.output.duration_s)
            facts.push(span(job.output.duration_s));
        if (job.metrics && job.metrics.speed)
            facts.push(`made ${job.metrics.speed.toFixed(1)} times as fast as it plays`);
        if (job.device)
            facts.push(`on ${job.device.backend}`);
        item.append(make("h3", name(job)));
        if (job.state === "cancelled")
            item.append(make("span", "cancelled", "faint"));
        if (facts.length)
            item.append(make("span", facts.join(" · "), "faint"));
        if (job.finished)
            item.append(moment(job.finished));
        item.append(...actions(job));
        for (const warning of [...job.warnings || [], ...(job.dropped || []).map((line) => `not in the result: ${line}`)])
            item.append(make("p", warning, "faint line"));
        return item;
    };

    // --- all of it

    const itemOf = (job, draw, old) => {
        const key = JSON.stringify([job.version, board.page, isAsked(job)]);
        if (old && drawn.get(old) === key)
            return old;
        const fresh = draw(job);
        fresh.dataset.job = job.job;
        fresh.tabIndex = -1; // the focus goes here when the button that had it is gone
        if (old)
            Keep.merge(old, fresh);
        drawn.set(old || fresh, key);
        return old || fresh;
    };

    const fill = (list, chosen, draw) => {
        const there = new Map([...list.children].map((item) => [item.dataset.job, item]));
        Keep.order(list, chosen.map((job) => itemOf(job, draw, there.get(job.job))));
    };

    const latest = (a, b) => (b.finished || "").localeCompare(a.finished || "");
    const eldest = (a, b) => (a.queued || a.started || "").localeCompare(b.queued || b.started || "");

    const words = {
        kafka: "The message broker (Kafka) does not answer. Everything is kept, and goes on by itself when it is back.",
        folders: "The folders cannot be used.",
        device: "The device cannot be used.",
        running: "It takes no new jobs.",
        loop: "It is stuck.",
    };

    const deviceWords = ({name: device, reason}) => {
        const works = `Works on: ${device === "cpu" ? "processor (cpu)" : device}.`;
        return reason ? `${works} A faster device is not used because ${reason}` : works;
    };

    const drawState = () => {
        const notices = [];
        const needs = Object.entries(board.needs || {}).filter(([, why]) => why);
        if (needs.some(([, why]) => why === "starting"))
            notices.push(make("p", "It is starting.", "notice"));
        for (const [need, why] of needs)
            if (why !== "starting") {
                const notice = make("p", undefined, "notice bad");
                notice.append(make("strong", words[need] || need), make("span", why));
                notices.push(notice);
            }
        const same = at("notices").textContent === notices.map((notice) => notice.textContent).join("");
        if (!same)
            at("notices").replaceChildren(...notices);
        const state = at("state");
        const starts = needs.length > 0 && needs.every(([, why]) => why === "starting");
        const text = !board.alive ? "stuck" : starts ? "starting" : !board.ready ? "not ready" : board.working ? "working" : "ready";
        if (state.textContent !== text) {
            state.textContent = text;
            state.className = `pill ${{stuck: "bad", "not ready": "bad", starting: "", working: "busy", ready: "good"}[text]}`;
        }
        at("who").textContent = [board.kind, board.worker, board.program].filter(Boolean).join(" · ");
        const device = board.device;
        at("device").textContent = device ? deviceWords(device)
            : board.kind === "watch" ? "This program only watches folders." : "Not known yet.";
    };

    // More of the ends than are shown: a button that shows the next ones.
    const drawMore = (id, count) => {
        at(`${id}-more`).hidden = count <= shown[id];
        at(`${id}-more`).textContent = `Show ${Math.min(perPage, count - shown[id])} of ${count - shown[id]} more`;
    };

    for (const id of ["failed", "done"])
        at(`${id}-more`).addEventListener("click", () => {
            const first = shown[id];
            shown[id] += perPage;
            drawLists();
            at(id).children[first]?.focus();
        });

    const drawLists = () => Keep.focus(() => {
        const all = [...jobs.values()];
        const of = (...states) => all.filter((job) => states.includes(job.state));
        const now = of("running", "retrying").sort(eldest);
        const bad = of("failed", "rejected").sort(latest);
        const good = of("completed", "cancelled").sort(latest);
        const queue = of("waiting").sort(eldest);
        const waits = Math.max(board.waiting || 0, queue.length);
        fill(at("now"), now, running);
        fill(at("failed"), bad.slice(0, shown.failed), failed);
        fill(at("waiting"), queue.slice(0, shownWaiting), waiting);
        fill(at("done"), good.slice(0, shown.done), done);
        drawMore("failed", bad.length);
        drawMore("done", good.length);
        at("now-none").hidden = now.length > 0;
        at("failed-section").hidden = bad.length === 0;
        at("waiting-none").hidden = waits > 0;
        at("waiting-more").hidden = waits <= shownWaiting;
        at("waiting-more").textContent = `and ${waits - Math.min(queue.length, shownWaiting)} more`;
        at("done-none").hidden = good.length > 0;
        at("done-hidden").hidden = !board.page || board.page.media;
        for (const [id, list] of [["now", now], ["failed", bad], ["done", good]])
            at(`${id}-count`).textContent = list.length ? String(list.length) : "";
        at("waiting-count").textContent = waits ? String(waits) : "";
        document.title = now.length ? `vidriera: ${now.length} running` : bad.length ? `vidriera: ${bad.length} failed` : "vidriera";
    });

    const draw = () => {
        at("sign-in").hidden = !board.page || !board.page.token || board.page.change;
        at("sign-out").hidden = !board.page || !board.page.token || !board.page.change;
        at("no-token").hidden = !board.page || board.page.token;
        drawState();
        drawLists();
    };

    Feed.take = (news) => {
        board = news;
        if (news.complete)
            jobs.clear();
        for (const job of news.jobs)
            if (job.state === "gone")
                jobs.delete(job.job);
            else
                jobs.set(job.job, job);
        draw();
    };

    // --- who looks, and whether anybody answers

    Feed.lost = (text) => {
        at("state").textContent = text;
        at("state").className = "pill bad";
    };

    const login = () => {
        at("login-error").textContent = "";
        at("login-form").reset();
        if (!at("login").open)
            at("login").showModal();
    };

    Feed.refused = () => {
        at("sign-in").hidden = false;
        login();
    };

    at("sign-in").addEventListener("click", login);
    at("login-close").addEventListener("click", () => at("login").close());
    at("sign-out").addEventListener("click", async () => {
        await post("/logout").catch(() => null);
        Feed.listen();
    });
    at("login-form").addEventListener("submit", async (event) => {
        event.preventDefault();
        const field = at("login-form").elements.token;
        const wrong = await post("/login", new URLSearchParams({token: field.value})).catch(() => "vidriera does not answer");
        field.value = "";
        if (wrong) {
            at("login-error").textContent = wrong;
            field.focus();
            return;
        }
        at("login").close();
        Feed.listen();
    });
    Feed.listen();
})();
