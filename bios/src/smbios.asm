smbios_setup: ret
