from typing import Any, Dict, Optional
import logging

logger = logging.getLogger(__name__)


class MyPlugin:
    """
    Example plugin implementation.
    
    All plugins must implement these core methods:
    - initialize()
    - execute()
    - cleanup()
    """
    
    def __init__(self, config: Dict[str, Any]):
        """
        Initialize plugin with configuration.
        
        Args:
            config: Plugin configuration from plugin.yaml and user settings
        """
        self.config = config
        self.api_key = config.get("api_key")
        self.endpoint = config.get("endpoint")
        logger.info(f"Plugin initialized: {self.__class__.__name__}")
    
    async def initialize(self) -> bool:
        """
        Initialize plugin resources.
        
        Called when plugin is enabled.
        
        Returns:
            True if initialization successful
        """
        try:
            # Setup connections, load models, etc.
            logger.info("Plugin initialization complete")
            return True
        except Exception as e:
            logger.error(f"Plugin initialization failed: {e}")
            return False
    
    async def execute(self, context: Dict[str, Any]) -> Dict[str, Any]:
        """
        Execute plugin functionality.
        
        Args:
            context: Execution context with message, user, etc.
            
        Returns:
            Result dictionary
        """
        try:
            message = context.get("message", "")
            user = context.get("user", "")
            
            # Plugin logic here
            result = await self.process(message)
            
            return {
                "success": True,
                "result": result,
                "message": "Plugin executed successfully"
            }
            
        except Exception as e:
            logger.error(f"Plugin execution failed: {e}")
            return {
                "success": False,
                "error": str(e)
            }
    
    async def process(self, message: str) -> str:
        """Custom processing logic"""
        # Example: Call external API
        import aiohttp
        
        async with aiohttp.ClientSession() as session:
            async with session.post(
                self.endpoint,
                json={"text": message},
                headers={"Authorization": f"Bearer {self.api_key}"}
            ) as response:
                data = await response.json()
                return data.get("result", "")
    
    async def cleanup(self) -> None:
        """
        Cleanup plugin resources.
        
        Called when plugin is disabled or uninstalled.
        """
        try:
            # Close connections, release resources, etc.
            logger.info("Plugin cleanup complete")
        except Exception as e:
            logger.error(f"Plugin cleanup failed: {e}")
    
    def health_check(self) -> Dict[str, Any]:
        """
        Check plugin health.
        
        Returns:
            Health status dictionary
        """
        return {
            "status": "healthy",
            "version": "1.0.0",
            "uptime": self.get_uptime()
        }
    
    def get_uptime(self) -> float:
        """Get plugin uptime in seconds"""
        # Implementation
        return 0.0


# Optional: Hook handlers
async def on_message(message: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """
    Handle incoming chat messages.
    
    Args:
        message: Message dictionary
        
    Returns:
        Response message or None
    """
    # Check if plugin should handle this message
    if message.get("text", "").startswith("/myplugin"):
        return {
            "text": "Plugin response",
            "type": "plugin_response"
        }
    return None


async def on_file_upload(file_info: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """
    Handle file uploads.
    
    Args:
        file_info: File information
        
    Returns:
        Processing result or None
    """
    # Process file if applicable
    return None


async def on_command(command: str, args: list) -> Dict[str, Any]:
    """
    Handle custom commands.
    
    Args:
        command: Command name
        args: Command arguments
        
    Returns:
        Command result
    """
    if command == "/myplugin":
        return {"result": "Command executed"}
    return {"error": "Unknown command"}
