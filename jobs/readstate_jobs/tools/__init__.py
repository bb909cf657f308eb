"""The commands about the installation, the reports and the simulator."""
