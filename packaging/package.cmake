# SPDX-License-Identifier: GPL-3.0-or-later
# The Debian package and the source release. ./dev package makes both.
set(VD_MAINTAINER "vidriera <vidriera@vidriera.invalid>" CACHE STRING "Who answers for the packages built here")
set(VD_PACKAGE_REVISION 1 CACHE STRING "What comes behind the version of packages built here")

# A package fits one Debian: the next one has other libraries, and its package is newer.
set(release "")
if(EXISTS /etc/os-release)
    file(STRINGS /etc/os-release release REGEX "^VERSION_ID=")
    string(REGEX REPLACE "[^0-9.]" "" release "${release}")
endif()
set(VD_PACKAGE_VERSION ${PROJECT_VERSION}-${VD_PACKAGE_REVISION}~deb${release})

set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vidriera)
set(CPACK_PACKAGE_VENDOR vidriera)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${VD_MAINTAINER})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_SET_DESTDIR ON) # for what is not beneath the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE ${VD_PACKAGE_REVISION}~deb${release})
set(CPACK_DEBIAN_PACKAGE_SECTION video)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54), \
systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "va-driver-all | va-driver, intel-opencl-icd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "acl, bash-completion")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "tints the halves of recordings, one by one or as a service
vidriera takes a recording, tints the left half of the picture blue and the
right half red, and gives back a recording that is otherwise the same: every
frame at its time, the sound byte for byte, subtitles, chapters and tags.

It does so for one file, for a folder that recordings fall into, or as any
number of workers behind Kafka, where every recording is processed once. GPUs
are used by VAAPI, OpenCL and CUDA; their kernels are inside the program, and
vidriera doctor tells what works on a machine.

Of the three services none is enabled: vidriera.service is the whole appliance
on one machine, vidriera-worker and vidriera-watch are its parts for Kafka.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm ${packaging}/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Compressed as Debian wants it. The date is SOURCE_DATE_EPOCH, where that is set.
string(TIMESTAMP VD_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${packaging}/debian/changelog.in ${made}/changelog.Debian @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${made}/changelog COPYONLY)
foreach(name changelog.Debian changelog)
    execute_process(COMMAND ${VD_GZIP} -9nc ${made}/${name} OUTPUT_FILE ${made}/${name}.gz COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${made}/${name}.gz DESTINATION ${doc})
endforeach()

set(CPACK_SOURCE_GENERATOR TXZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME vidriera-${PROJECT_VERSION})
# Not what docker-compose.yml keeps here: recordings and secrets.
set(CPACK_SOURCE_IGNORE_FILES "^${PROJECT_SOURCE_DIR}/build/" "^${PROJECT_SOURCE_DIR}/data/" "^${PROJECT_SOURCE_DIR}/\\.env$"
    "/\\.git$" "/\\.git/" "/__pycache__/")
include(CPack)
