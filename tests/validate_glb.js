// Prints the report of Khronos' glTF validator on each GLB file that it is given, as a JSON list.
const fs = require("fs");
const validator = require("gltf-validator");

const reports = process.argv.slice(2).map((path) => validator.validateBytes(new Uint8Array(fs.readFileSync(path))));
Promise.all(reports).then((all) => console.log(JSON.stringify(all)));
