/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Power that the kernel can take from a root port and all behind it, for a
 * topology's directive
 *   acpi power.asl PORT=<S and devfn in hex> ADDRESS="<the port's address>"
 * It gives the port's ACPI device, which QEMU makes, a power resource for D0 and
 * D3hot; without it the port is in D3cold.
 *
 * QEMU knows no power. So that a device is not the same after as before, it is
 * held in reset meanwhile, by its bus.
 *
 * What a test reads is /sys/bus/acpi/devices/PTX0001:*, one for each port:
 *   uid   ADDRESS, to find it by
 *   sun   how often the power was turned off; each read asks anew
 *   hrv   how often it was turned on again; so does this
 */
DefinitionBlock ("", "SSDT", 2, "PTX", "LABPOWER", 1)
{
	External (\_SB.PCI0.PORT, DeviceObj)

	Device (\_SB.PORT)
	{
		Name (_HID, "PTX0001")
		Name (_UID, ADDRESS)
		Name (OFFS, 0)
		Name (ONS, 0)
		Method (_SUN) { Return (OFFS) }
		Method (_HRV) { Return (ONS) }
	}

	Scope (\_SB.PCI0.PORT)
	{
		/* Bridge Control: secondary bus reset is bit 6 */
		OperationRegion (BRCT, PCI_Config, 0x3E, 2)
		Field (BRCT, WordAcc, NoLock, Preserve)
		{
			, 6,
			RST, 1
		}

		PowerResource (POWR, 0, 0)
		{
			/* On from the start */
			Name (IS, 1)

			Method (_STA) { Return (IS) }

			Method (_ON, 0, Serialized)
			{
				If (IS == 0)
				{
					RST = 0
					IS = 1
					\_SB.PORT.ONS++
				}
			}

			Method (_OFF, 0, Serialized)
			{
				If (IS == 1)
				{
					RST = 1
					IS = 0
					\_SB.PORT.OFFS++
				}
			}
		}

		Name (_PR0, Package () { POWR })
		Name (_PR3, Package () { POWR })
	}
}
