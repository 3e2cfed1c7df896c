"""The specification's integration test. The import line and the test are its own text."""

import pytest
from services.plugin_service import PluginService


@pytest.mark.asyncio
async def test_plugin_lifecycle():
    service = PluginService()
    
    # Install
    plugin_id = await service.install_plugin("test-plugin.tar.gz")
    assert plugin_id is not None
    
    # Enable
    await service.enable_plugin(plugin_id)
    info = await service.get_plugin_info(plugin_id)
    assert info["status"] == "enabled"
    
    # Execute
    result = await service.execute_plugin(plugin_id, {})
    assert result["success"] is True
    
    # Disable
    await service.disable_plugin(plugin_id)
    
    # Uninstall
    await service.uninstall_plugin(plugin_id)
