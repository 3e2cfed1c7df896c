package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.PluginService;

/** What the server serves, once it is there. */
record Backend(PluginService service, AccessKeys keys) {}
