"""The bill of materials of a frozen program, in CycloneDX 1.6 (cyclonedx.org)."""

import sys
import uuid
from datetime import UTC, datetime

import release
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as BomComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from inventory import Component
from packageurl import PackageURL


def document(flavour: str, components: list[Component]) -> str:
    """A CycloneDX document, valid by its schema, the same for every build of one commit."""
    bom = Bom()
    named = {component.name: bom_component(component) for component in components}
    root = named.pop("elascope")
    root.type = ComponentType.APPLICATION
    root.name = release.name(flavour)
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(release.epoch(), UTC)
    bom.metadata.tools.components.clear()
    for component in named.values():
        bom.components.add(component)
    bom.register_dependency(root, named.values())
    what = "\n".join(f"{c.name} {c.version}" for c in components)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{release.artefact(flavour)}\n{what}")
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if errors is not None:
        sys.exit(f"The bill of materials is not valid: {errors}")
    return text + "\n"


def bom_component(component: Component) -> BomComponent:
    """A component as CycloneDX has it."""
    found = BomComponent(
        name=component.name,
        version=component.version,
        type=ComponentType.LIBRARY,
        bom_ref=component.purl or component.name,
        purl=PackageURL.from_string(component.purl) if component.purl else None,
    )
    for name, version, purl in component.parts:
        found.components.add(
            BomComponent(
                name=name,
                version=version,
                type=ComponentType.LIBRARY,
                bom_ref=f"{component.name}/{purl or name}",
                purl=PackageURL.from_string(purl) if purl else None,
            )
        )
    if component.licence:
        try:
            found.licenses.add(LicenseExpression(component.licence))
        except ValueError:
            found.licenses.add(DisjunctiveLicense(name=component.licence))
    return found
