// Hydrogen, the whole client, on the homeserver that this page comes from.
import { FeatureSet, Platform, RootViewModel, createNavigation, createRouter } from 'hydrogen-view-sdk'

async function main() {
  const platform = new Platform({
    container: document.getElementById('app'),
    assetPaths: {
      downloadSandbox: '/assets/download-sandbox.html',
      worker: '/assets/main.js',
      serviceWorker: '/sw.js',
      olm: { wasm: '/olm/olm.wasm', wasmBundle: '/olm/olm.js', legacyBundle: '/olm/olm_legacy.js' },
    },
    config: { defaultHomeServer: location.origin },
    options: { development: false },
  })
  const navigation = createNavigation()
  platform.setNavigation(navigation)
  await platform.init()
  const urlRouter = createRouter({ navigation, history: platform.history })
  urlRouter.attach()
  const features = await FeatureSet.load(platform.settingsStorage)
  const model = new RootViewModel({ platform, urlRouter, navigation, features })
  await model.load()
  platform.createAndMountRootView(model)
}

main().catch((error) => { document.getElementById('app').textContent = `Hydrogen does not start: ${error.stack ?? error}` })
