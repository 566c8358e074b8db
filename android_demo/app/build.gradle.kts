import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.edgeiqa.demo"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.edgeiqa.demo"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
        ndk { abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64") }
    }

    // The models of the Python package: there is one copy of each.
    sourceSets["main"].assets.srcDirs("../../edgeiqa/assets/models", "../../edgeiqa/assets/models/causes")
    androidResources {
        noCompress += "tflite"
        // Documentation beside the models.
        ignoreAssetsPattern = "*.md:nano.tflite:causes"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}

kotlin {
    compilerOptions { jvmTarget = JvmTarget.JVM_1_8 }
}

dependencies {
    implementation(project(":core"))
    implementation(libs.litert)
}
