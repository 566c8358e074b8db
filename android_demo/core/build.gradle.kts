import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    explicitApi()
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        freeCompilerArgs.add("-Xjdk-release=8")
    }
}
// The tests need LiteRT's C library and golden vectors: ../test.sh runs them.
sourceSets["test"].java.setSrcDirs(emptyList<String>())
kotlin.sourceSets["test"].kotlin.setSrcDirs(emptyList<String>())
