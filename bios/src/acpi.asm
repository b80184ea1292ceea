acpi_setup: ret
