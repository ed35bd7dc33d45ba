// SPDX-License-Identifier: GPL-3.0-or-later
// Elements with their text, and words for times.
"use strict";

const Make = (() => {
    const element = (tag, text, className) => {
        const made = document.createElement(tag);
        if (text !== undefined)
            made.textContent = text;
        if (className)
            made.className = className;
        return made;
    };

    const button = (text, label, act) => {
        const made = element("button", text);
        made.type = "button";
        made.dataset.act = act;
        made.setAttribute("aria-label", label);
        return made;
    };

    const span = (seconds) => {
        if (seconds < 60)
            return `${Math.max(0, Math.round(seconds))} s`;
        if (seconds < 3600)
            return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
        return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
    };

    const moment = (when) => new Date(when).toLocaleString([], {dateStyle: "medium", timeStyle: "short"});

    const time = (when) => {
        const made = element("time", moment(when), "faint");
        made.dateTime = when;
        return made;
    };

    return {element, button, span, moment, time};
})();
