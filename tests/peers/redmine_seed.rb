# Gives a fresh Redmine what a concern needs: projects, a tracker, custom fields, a service account, staff, an outsider.
# Run by redmine.sh with the file that the keys and ids are written to; doing it again changes nothing.
Setting.rest_api_enabled = '1'
Setting.login_required = '1'
admin = User.find_by!(login: 'admin')
admin.update_columns(must_change_passwd: false)
User.current = admin

def made(scope, **attributes)
  (scope.first || scope.new).tap do |one|
    yield one if block_given?
    one.assign_attributes(attributes)
    one.save!
  end
end

def role(name, *permissions, sees: 'all')
  made(Role.where(name: name), issues_visibility: sees, permissions: permissions)
end

looks = %i[view_issues]
works = looks + %i[add_issues edit_issues add_issue_notes view_private_notes set_notes_private set_issues_private]
staff = role('Staff', *works, :copy_issues, :delete_issues)
router = role('Router', *works)
# In a project with this one, what Redmine is asked to keep among staff shows to all members.
open_router = role('Router without private', *(works - %i[set_issues_private set_notes_private]))
onlooker = role('Onlooker', *looks)
# Somebody who works in the project and is not meant to know: sees what is not private.
member = role('Member', :view_issues, :add_issues, :add_issue_notes, sees: 'default')

tracker = made(Tracker.where(name: 'Referral'), default_status: IssueStatus.sorted.first)
[staff, router, open_router].each do |one|
  next if WorkflowTransition.where(tracker_id: tracker.id, role_id: one.id).any?
  WorkflowRule.copy(Tracker.where.not(id: tracker.id).first, Role.givable.find_by!(name: 'Manager'), tracker, one)
end

projects = %w[safeguarding facilities elsewhere open archive closed-to-us].to_h do |identifier|
  project = made(Project.where(identifier: identifier), name: identifier.capitalize, is_public: false) do |one|
    one.enabled_module_names = %w[issue_tracking]
  end
  project.trackers = [tracker]
  [identifier, project]
end

# Facilities lacks Severity on purpose: Redmine then drops the value and still answers 201.
fields = { 'Reference id' => 'string', 'Category' => 'string', 'Severity' => 'list', 'Claim by' => 'string', 'Link' => 'string' }
ids = fields.to_h do |name, format|
  field = made(IssueCustomField.where(name: name), field_format: format, is_filter: true, visible: true) do |one|
    one.possible_values = %w[low medium high critical] if format == 'list'
    one.is_for_all = name != 'Severity'
  end
  field.trackers = [tracker]
  field.projects = projects.values - [projects['facilities']] unless field.is_for_all
  [name, field.id]
end

def person(login)
  made(User.where(login: login), mail: "#{login}@peer.test", firstname: login, lastname: 'test', status: User::STATUS_ACTIVE,
       language: 'en', mail_notification: login == 'officer' ? 'all' : 'only_my_events') do |one|
    one.login = login
    one.password = one.password_confirmation = "#{login}-password" if one.new_record?
  end
end

def join(person, project, role)
  (Member.find_by(project_id: project.id, user_id: person.id) || Member.new(project: project, principal: person)).tap do |one|
    one.roles = [role]
    one.save!
  end
end

people = %w[router officer outsider].to_h { |login| [login, person(login)] }
%w[safeguarding facilities elsewhere].each { |name| join(people['router'], projects[name], router) }
join(people['router'], projects['open'], open_router)
join(people['router'], projects['archive'], onlooker)
projects.each_value { |project| join(people['officer'], project, staff) }
join(people['outsider'], projects['safeguarding'], member)

File.open(ARGV.fetch(0), 'w', 0o600) do |file|
  file.puts "REDMINE_KEY=#{people['router'].api_key}"
  file.puts "REDMINE_OFFICER_KEY=#{people['officer'].api_key}"
  file.puts "REDMINE_OUTSIDER_KEY=#{people['outsider'].api_key}"
  file.puts "REDMINE_OFFICER=#{people['officer'].id}"
  file.puts "REDMINE_TRACKER=#{tracker.id}"
  ids.each { |name, id| file.puts "REDMINE_FIELD_#{name.upcase.tr(' ', '_')}=#{id}" }
  IssuePriority.active.sorted.each { |one| file.puts "REDMINE_PRIORITY_#{one.name.upcase}=#{one.id}" }
  IssueStatus.sorted.each { |one| file.puts "REDMINE_STATUS_#{one.name.upcase.tr(' ', '_')}=#{one.id}" }
end
