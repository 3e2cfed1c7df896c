"""Plain methods run on a thread, so that they may block."""

import threading
import time


class Fixture:
    def __init__(self, config):
        self.config = config

    def initialize(self):
        return True

    def execute(self, context):
        time.sleep(float(context.get("seconds", 0)))
        return {"on_main_thread": threading.current_thread() is threading.main_thread(), "echo": context}

    def cleanup(self):
        pass

    def health_check(self):
        return {"status": "healthy"}
