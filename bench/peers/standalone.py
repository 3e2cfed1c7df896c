"""An independent Python with a plugin: what a host would start that gives each plugin a process and shares nothing.

    python3 -I -S standalone.py FOLDER

Loads the plugin as the worker does, says "ready" and waits for its standard input to end.
"""

import asyncio
import logging
import sys


async def main() -> None:
    logging.basicConfig()
    sys.path.insert(0, sys.argv[1])
    import main as plugin

    instance = plugin.Echo({})
    await instance.initialize()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
