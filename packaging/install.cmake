# SPDX-License-Identifier: GPL-3.0-or-later
# What is installed, and where. The prefix is meant to be /usr: units name /usr/bin/vidriera, the program names
# /etc/vidriera/vidriera.conf. The GPU's kernels are inside the program.
include(GNUInstallDirs)

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(made ${PROJECT_BINARY_DIR}/packaging)
set(doc ${CMAKE_INSTALL_DATAROOTDIR}/doc/vidriera)
find_program(VD_GZIP gzip REQUIRED)

install(TARGETS vidriera RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The program prints them of its tables.
if(NOT VD_SANITIZE)
    file(MAKE_DIRECTORY ${made})
    foreach(document vidriera.1 vidriera.conf.5 vidriera.bash)
        add_custom_command(OUTPUT ${made}/${document}
            COMMAND vidriera manual ${document} > ${made}/${document}
            DEPENDS vidriera VERBATIM)
        list(APPEND documents ${made}/${document})
    endforeach()
    foreach(page vidriera.1 vidriera.conf.5)
        add_custom_command(OUTPUT ${made}/${page}.gz
            COMMAND ${VD_GZIP} -9nc ${made}/${page} > ${made}/${page}.gz
            DEPENDS ${made}/${page} VERBATIM)
        list(APPEND documents ${made}/${page}.gz)
    endforeach()
    add_custom_target(manual ALL DEPENDS ${documents})
endif()
install(FILES ${made}/vidriera.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/vidriera.conf.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${made}/vidriera.bash DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions
        RENAME vidriera)

# The units' own lines, then what they have in common.
foreach(unit vidriera vidriera-worker vidriera-watch)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${packaging}/systemd/${unit}.service)
    file(READ ${packaging}/systemd/${unit}.service own)
    file(READ ${packaging}/systemd/service.inc common)
    file(WRITE ${made}/${unit}.service "${own}\n${common}")
    install(FILES ${made}/${unit}.service DESTINATION lib/systemd/system)
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${packaging}/systemd/service.inc ${PROJECT_SOURCE_DIR}/docker/vidriera.conf)
install(FILES ${packaging}/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME vidriera.conf)
install(FILES ${packaging}/systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME vidriera.conf)

# The reference of all settings, with the one that has no default.
file(READ ${PROJECT_SOURCE_DIR}/docker/vidriera.conf conf)
string(REPLACE "#data = \"/srv/vidriera\"" "data = \"/var/lib/vidriera\"" installed "${conf}")
if(installed STREQUAL conf)
    message(FATAL_ERROR "docker/vidriera.conf: no line #data = \"/srv/vidriera\" to be set for the package")
endif()
file(WRITE ${made}/vidriera.conf "${installed}")
install(FILES ${made}/vidriera.conf DESTINATION /etc/vidriera)

install(FILES README.md DESTINATION ${doc})
install(FILES packaging/debian/copyright DESTINATION ${doc})
install(PROGRAMS docker/finalize.sh DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/vidriera)
install(DIRECTORY docs/schemas docker/observability DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/vidriera
        PATTERN alerts_test.yml EXCLUDE)
